/**
 * A real Redis in whose keys somebody wrote, one command a line: `<command> <which key> <words>`. Whatever is there, a relay
 * loses that run, or its switches, and nothing else: the store goes on.
 */
import assert from 'node:assert/strict';
import { FleetUnreachable } from '../../../src/cluster/fleet-table.ts';
import type { RunRecord } from '../../../src/cluster/port.ts';
import { Malformed } from '../../../src/cluster/store/port.ts';
import { RedisSharedStore } from '../../../src/cluster/store/redis.ts';
import { FORMAT, RedisKeys } from '../../../src/cluster/store/redis-keys.ts';
import { startRedis } from '../../many-machines/redis-server.ts';
import type { FuzzSubject, FuzzTarget } from '../fuzz-target.ts';

const PREFIX = 'dash:fuzz';
const MACHINE = 'a';
const RUN: RunRecord = {
  userId: 'user',
  id: 'stream-1',
  epoch: 'epoch-0001',
  requestHash: 'hash',
  action: 'chat',
  model: 'm',
  owner: MACHINE,
};
const LIMITS = { streams: 10, startsPerMinute: 1_000_000 };
const TIMES = { leaseMs: 60_000, liveMs: 60_000, endedMs: 60_000 };

const keys = new RedisKeys(PREFIX);
/** By the words of an input. */
const KEYS: Readonly<Record<string, string>> = {
  run: keys.run(RUN),
  live: keys.live(RUN),
  log: keys.log(RUN.epoch),
  lease: keys.lease(MACHINE),
  cancels: keys.cancels(MACHINE),
  starts: keys.starts(RUN),
  switches: keys.switches,
  mailbox: keys.mailbox(MACHINE),
};
const COMMANDS = new Set([
  'set',
  'hset',
  'sadd',
  'rpush',
  'zadd',
  'xadd',
  'publish',
  'pexpire',
  'persist',
  'del',
  'setrange',
  'setbit',
  'pfadd',
]);

export const redis: FuzzTarget = {
  name: 'redis',
  corpus: [
    'hset run epoch epoch-0001 requestHash hash action chat model m owner a\nxadd log 1-0 deltas \x1eHello',
    'hset run epoch epoch-9999 requestHash hash action chat model m owner gone\nset log x',
    'set run x\nset live x\nset lease x\nset cancels x\nset starts x\nset switches x',
    'xadd log 0-1 begin x\nxadd log 2-0 deltas \x1ea\x1eb\nxadd log 18446744073709551615-18446744073709551615 ending {}\npersist log',
    'hset live epoch-0001 a other b\nsadd cancels epoch-0001 \x00 x\nhset switches relayEnabled false nonsense {',
    'publish mailbox added\x1depoch-0001\x1d1\x1d\x1ea\x1d\npublish mailbox v3\npublish switches x',
    'rpush run a b\nzadd log 1 a\nset starts 9999999999999999999\npexpire starts 99999999999',
    `hset run epoch ${'x'.repeat(2000)} requestHash h action a model m owner \n`,
  ],
  words: Object.keys(KEYS).flatMap((key) => [
    `\nset ${key} `,
    `\nhset ${key} `,
    `\nxadd ${key} 5-0 deltas `,
    `\ndel ${key} `,
  ]),
  cases: 40,
  open,
};

async function open(): Promise<FuzzSubject> {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await startRedis());
  const store = new RedisSharedStore({
    url: server.url,
    machine: MACHINE,
    prefix: PREFIX,
    onMalformedMessage() {},
    ...TIMES,
  });
  opening.defer(() => store.close());
  await store.beat();
  const open = opening.move();
  return {
    async check(input) {
      await server.client.flushall();
      for (const line of input.split('\n').slice(0, 30)) await write(server.client, line);
      await askAll(store);
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

async function write(
  client: { call(command: string, ...words: string[]): Promise<unknown> },
  line: string,
): Promise<void> {
  const [command = '', name = '', ...words] = line.split(' ');
  const key = Object.hasOwn(KEYS, name) ? KEYS[name] : undefined;
  if (key === undefined || !COMMANDS.has(command)) return;
  await client.call(command, key, ...words).catch(() => {}); // no command that Redis knows
}

/** All that a relay does with a run. @throws where more than this run is lost */
async function askAll(store: RedisSharedStore): Promise<void> {
  const payload = Buffer.from('\x1eword');
  const addition = {
    record: RUN,
    begins: false,
    seq: 5,
    bytes: payload.length,
    ending: '{}',
    followers: ['b'],
  };
  await unlessMalformed(store.beat());
  await unlessMalformed(store.find(RUN.userId, RUN.id));
  await unlessMalformed(store.read(RUN.epoch));
  await unlessMalformed(store.read(RUN.epoch, 1));
  await unlessMalformed(store.alive([MACHINE, 'b']));
  await unlessMalformed(store.cancelHeld(RUN.userId, RUN.id));
  await unlessMalformed(store.cancel(RUN));
  await unlessMalformed(store.switches.read());
  const claimed = await store.claim(RUN, LIMITS);
  assert.ok(claimed !== undefined);
  await unlessMalformed(
    store.add(
      [{ ...addition, begins: true, ending: undefined }, addition],
      Buffer.concat([payload, payload]),
    ),
  );
  await unlessMalformed(store.end(RUN, 5, '{}'));
  await unlessMalformed(store.restore(RUN, 0, false));
  await unlessMalformed(store.release(RUN));
  const { formats } = await store.neighbours();
  assert.ok(!formats.includes(FORMAT));
}

async function unlessMalformed(asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (failure) {
    if (!(failure instanceof Malformed || failure instanceof FleetUnreachable)) throw failure;
  }
}
