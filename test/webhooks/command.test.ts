/** What an operator does about the webhook: sees what was not taken, has it sent again, and tries the endpoint. */
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { doctor } from '../../src/doctor/doctor-command.ts';
import { type LocalUsageLedger, openUsageLedger } from '../../src/ledger/ledger.ts';
import { ledgerDirectory } from '../../src/ledger/ledger-directories.ts';
import { ledgerFile } from '../../src/ledger/schema.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { eventsOfRun } from '../../src/webhooks/stream-events.ts';
import { webhooks } from '../../src/webhooks/webhooks-command.ts';
import { askWhole } from '../support/http-doors.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { dataDirectory, spawnRelay, userId } from '../support/relay-process.ts';
import { runCommand } from '../support/run-command.ts';
import { eventually } from '../support/test-run.ts';
import { intentOf, readingOf, settlementOf } from '../usage/runs.ts';
import { SECRET, startReceiver } from './receiver.ts';

const prices = loadPrices();
const clock = new ManualClock();

function openLedger(dataDir: string): LocalUsageLedger {
  const onError = (what: string) => expect.unreachable(what);
  return openUsageLedger({ dataDir, prices: () => prices, eventsOf: eventsOfRun, clock, onError });
}

/** Settles a run of that epoch and stream; its event waits. */
async function settle(ledger: LocalUsageLedger, epoch: string, streamId = epoch): Promise<void> {
  await ledger.open(intentOf({ epoch, streamId }), () => readingOf());
  const answer = { head: 1, textLength: 6, stopReason: 'end_turn', text: 'canary', isAwaited: false };
  await ledger.settle(settlementOf(epoch, { answer }));
}

/** The same, and was given up. */
async function giveUp(ledger: LocalUsageLedger, epoch: string): Promise<void> {
  await settle(ledger, epoch);
  for (const event of ledger.webhookEvents.due(clock.now(), 10))
    if (event.streamId === epoch) await ledger.webhookEvents.gaveUp(event, 'status 500', clock.now());
}

it('what was given up is listed, in every ledger, and sent again by its id or all at once, beside the relay that runs', async () => {
  using data = dataDirectory();
  const [one, two] = [openLedger(data.path), openLedger(ledgerDirectory(data.path, 2))];
  await giveUp(one, 'first');
  await giveUp(one, 'second');
  await giveUp(two, 'third');
  await settle(two, 'waits');
  await two.close();
  const run = (...args: string[]) => runCommand(webhooks, args, { DATA_DIR: data.path });
  const listed = async (...args: string[]) => {
    const { stdout } = await run('list', '--json', ...args);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  };
  const of = (id: string) => ({ id: `ended_${id}`, type: 'stream.ended', streamId: id });
  expect(await listed()).toMatchObject([of('first'), of('second'), of('third')]);
  expect(await listed('--waiting')).toMatchObject([of('waits')]);
  const { stdout, code } = await run('list');
  expect(stdout).toMatch(/ended_first {2}stream\.ended .* status 500/);
  expect([code, stdout.includes('canary')]).toEqual([0, false]);

  expect(await run('resend', 'ended_second', 'ended_nobody')).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/ended_second: to be sent again\nended_nobody: no event that was given up/),
  });
  expect(one.webhookEvents.due(Date.now(), 10)).toMatchObject([{ ...of('second'), attempts: 0 }]);
  expect(await run('resend', '--all')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/2 events to be sent again\.\nNo relay writes .*worker-2 at the moment/),
  });
  expect(one.webhookEvents.due(Date.now(), 10)).toHaveLength(2);
  expect((await run('list')).stdout).toBe('No event was given up.\n');
  for (const args of [[], ['resend'], ['resend', '--all', 'ended_first']])
    expect((await run(...args)).code, args.join(' ')).toBe(2);
  await one.close();
});

it('the doctor sends a signed event where it is asked to, and says what came of it', async () => {
  await using receiver = await startReceiver();
  using data = dataDirectory();
  const environment = {
    DATA_DIR: data.path,
    DASH_DEVELOPMENT: '1',
    WEBHOOK_URL: receiver.url,
    WEBHOOK_SECRET: SECRET,
  };
  const said = async (...args: string[]) => {
    const { stdout } = await runCommand(doctor, args, environment);
    return stdout.split('\n').find((line) => line.includes('WEBHOOK_URL'));
  };
  expect(await said()).toMatch(/^note .*may be reached; --webhook sends it/);
  expect(receiver.attempts).toEqual([]);
  expect(await said('--webhook')).toMatch(/^ok .*took a signed event \(204\)/);
  expect(receiver.received).toMatchObject([{ id: expect.stringMatching(/^test_/), type: 'relay.test' }]);
  for (const [manner, words] of [
    ['fails', 'answers with 500'],
    ['redirects', 'answers with 307, and redirects are not followed'],
    ['gone', 'answers with 410'],
    ['cut', 'no connection, or one that broke'],
  ] as const) {
    receiver.behave(manner);
    expect(await said('--webhook')).toMatch(new RegExp(`^fix .*${words}`));
  }
  expect([receiver.forged, receiver.followed]).toEqual([0, 0]);
});

it('events of a process that is no more are sent by the one that takes its directory over; and an erased stream has no text in what waits', async () => {
  await using receiver = await startReceiver();
  using data = dataDirectory();
  const gone = openLedger(ledgerDirectory(data.path, 2));
  await settle(gone, 'orphaned');
  await gone.close();
  receiver.behave(({ id }) => (id === 'ended_orphaned' ? 'takes' : 'fails'));
  const webhook = { WEBHOOK_URL: receiver.url, WEBHOOK_SECRET: SECRET, WEBHOOK_INCLUDE_TEXT: 'true' };
  await using relay = await spawnRelay(data.path, webhook);
  await receiver.until(() => receiver.received.some(({ id }) => id === 'ended_orphaned'));

  const token = await relay.token();
  const id = 'a-stream-to-be-forgotten';
  const messages = [{ role: 'user', content: 'Why is the sky blue?' }] as const;
  await askWhole(relay.url, token, { id, action: 'chat', messages, model: 'sim:fast' });
  const waiting = () => {
    using database = new DatabaseSync(ledgerFile(data.path), { readOnly: true, timeout: 2000 });
    const rows = database.prepare('SELECT body FROM webhook_events WHERE stream_id = ?').all(id);
    return rows.map(({ body }) => JSON.parse(String(body)).data);
  };
  await eventually('tried', () => waiting().length === 1);
  expect(waiting()).toMatchObject([{ userId: userId(1), text: expect.stringMatching(/\w/) }]);
  const headers = { authorization: `Bearer ${token}` };
  const erased = await fetch(`${relay.url}/v1/streams/${id}?forget=true`, { method: 'DELETE', headers });
  expect(erased.status).toBe(204);
  expect(waiting()).toMatchObject([{ id, text: null }]);
});
