/** A relay that is killed again and again under load, in front of a receiver that fails in every way, and what arrives in the end. */
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { ledgerFile } from '../../src/ledger/schema.ts';
import { RelayClient } from '../support/relay-client.ts';
import { dataDirectory, spawnRelay } from '../support/relay-process.ts';
import { type Manner, SECRET, startReceiver } from './receiver.ts';

const STREAMS = 12;
/** What an event meets first: mostly none that fails, so that the endpoint is not taken for away. */
const FIRST_MANNERS: readonly Manner[] = [
  'takes',
  'fails',
  'takes',
  'takes',
  'cut',
  'takes',
  'takes',
  'redirects',
  'takes',
];

/** So many others come before one that the relay gives up after 15 s. */
const BEFORE_ONE_THAT_HANGS = 60;

/**
 * @param kills SIGKILLs, each in the middle of answers, settlements and deliveries
 * @param hangs whether some deliveries meet a receiver that never answers, or answers byte by byte
 */
export async function deliverThroughKills(kills: number, hangs = false) {
  await using receiver = await startReceiver();
  using directory = dataDirectory();
  const seen = new Set<string>();
  // Whatever an event meets first, it is taken the next time.
  receiver.behave(({ id }) => {
    if (seen.has(id)) return 'takes';
    seen.add(id);
    if (hangs && seen.size % BEFORE_ONE_THAT_HANGS === 0)
      return (seen.size / BEFORE_ONE_THAT_HANGS) % 2 === 0 ? 'slow' : 'hangs';
    return FIRST_MANNERS[seen.size % FIRST_MANNERS.length] ?? 'takes';
  });
  const environment = { WEBHOOK_URL: receiver.url, WEBHOOK_SECRET: SECRET, ABANDON_AFTER_MS: '60000' };
  for (let kill = 1; kill <= kills; kill += 1) {
    await using relay = await spawnRelay(directory.path, environment);
    const client = new RelayClient({ url: relay.url, token: await relay.token() });
    await client.connect();
    for (let number = 1; number <= STREAMS; number += 1)
      client.start({
        id: `kill-${kill}-${number}`,
        model: number % 3 === 0 ? 'sim:answer' : 'sim:fast',
        ...(number % 2 === 0 ? { notify: 'absent' } : {}),
      });
    await pause(100 + Math.random() * 500);
    relay.kill('SIGKILL');
    await relay.exited;
    await client.close().catch(() => {});
  }
  await using relay = await spawnRelay(directory.path, environment);
  const rows = await relay.usageRows();
  const ended = rows.map(({ epoch }) => `ended_${epoch}`).sort();
  const has = () => new Set(receiver.received.map(({ id }) => id));
  await receiver.until(() => ended.every((id) => has().has(id)));
  // Those of the last process have ten seconds from the start.
  const awaited = rows.filter(({ streamId }) => Number(streamId.split('-')[2]) % 2 === 0);
  const unread = awaited.map(({ epoch }) => `unread_${epoch}`);
  await expect.poll(() => leftIn(directory.path), { timeout: 60_000, interval: 500 }).toBe(0);
  const ids = [...has()].sort();
  const all = [...ended, ...unread];
  expect(ids.filter((id) => !all.includes(id))).toEqual([]);
  expect(ended.filter((id) => !ids.includes(id))).toEqual([]);
  // Nobody was there to read how those ended that a kill cut off.
  const cutOff = awaited.filter(({ code }) => code === 'interrupted').map(({ epoch }) => `unread_${epoch}`);
  expect(cutOff.filter((id) => !ids.includes(id))).toEqual([]);
  for (const epoch of rows.map((row) => row.epoch)) {
    const own = receiver.received.filter((event) => event.epoch === epoch).map(({ type }) => type);
    const first = [...new Set(own)];
    expect(first[0], epoch).toBe('stream.ended');
  }
  const bodies = new Map<string, string>();
  for (const { id, body } of receiver.received) {
    expect(bodies.get(id) ?? body, 'a duplicate is the same').toBe(body);
    bodies.set(id, body);
  }
  expect([receiver.forged, receiver.followed]).toEqual([0, 0]);
  return {
    runs: rows.length,
    interrupted: rows.filter(({ code }) => code === 'interrupted').length,
    events: ids.length,
    unread: ids.filter((id) => id.startsWith('unread_')).length,
    duplicates: receiver.received.length - ids.length,
    attempts: receiver.attempts.length,
  };
}

/** Events that have not been taken, and those that may still become some. */
function leftIn(dataDir: string): number {
  const database = new DatabaseSync(ledgerFile(dataDir), { readOnly: true, timeout: 2000 });
  try {
    return Number(database.prepare('SELECT count(*) AS events FROM webhook_events').get()?.['events']);
  } finally {
    database.close();
  }
}
