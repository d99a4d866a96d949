import { describe, expect, it } from 'vitest';
import { ask } from '../support/http-doors.ts';
import { connectClient, type RelayClient } from '../support/relay-client.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';
import { eventually, percentiles, report } from '../support/test-run.ts';

const PACE = { firstTokenMs: 10, deltasPerSecond: 200 } as const;
const LONG_ANSWER = { model: 'sim:long' } as const;

async function connect(relay: SimulatedRelay, user = 1): Promise<RelayClient> {
  return connectClient({ url: relay.url, token: await relay.token(user) });
}

describe('cancel at every moment is answered by one ending, and the upstream request is closed', () => {
  it.each([
    ['with the start, before it is accepted', 'claude-sonnet-5-5', 'at once'],
    ['once it is accepted', 'claude-sonnet-5-5', 'accepted'],
    ['while the model keeps silent', 'sim:silent', 'upstream'],
    ['between message_start and the first word', 'sim:ping-only', 'upstream'],
    ['in the wait before a retry', 'sim:error', 'upstream'],
    ['at the first word', 'sim:long', 1],
    ['in the middle', 'sim:long', 25],
    ['while the model stalls', 'sim:stall', 5],
  ] as const)('%s', async (_when, model, moment) => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    await using client = await connect(relay);
    const stream = client.start({ model });
    if (moment === 'accepted') await client.accepted(stream);
    else if (moment === 'upstream')
      await eventually('it is called', () => relay.simulator.requests.length > 0);
    else if (moment !== 'at once') await client.until(() => stream.seq >= moment || undefined);
    client.cancel(stream);

    const ending = await client.ended(stream);

    expect(ending).toMatchObject({ type: 'cancelled', seq: stream.seq, textLength: stream.text.length });
    await eventually('no upstream request is open', () => relay.simulator.stats.open === 0);
    const [row, ...others] = await relay.usageRows();
    expect(others).toEqual([]);
    expect(row).toMatchObject({ streamId: stream.id, status: 'cancelled', ...ending.usage });
  });

  it('after the end, and twice: the same ending again each time', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    await using client = await connect(relay);
    const stream = client.start({ model: 'sim:fast' });
    await client.ended(stream);
    for (let again = 0; again < 2; again += 1) {
      client.cancel(stream);
      expect(await client.next('done')).toEqual(stream.ending);
    }
  });

  it('from another connection of the same user, and over HTTP', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    await using owner = await connect(relay);
    await using other = await connect(relay);
    const [first, second] = [owner.start(LONG_ANSWER), owner.start(LONG_ANSWER)];
    await owner.until(() => (first.seq > 0 && second.seq > 0) || undefined);

    const stranger = other.adopt(first);
    other.cancel(stranger);
    expect(await other.ended(stranger)).toEqual(await owner.ended(first));

    const url = `${relay.url}/v1/streams/${second.id}`;
    const { status, body } = await ask(url, { method: 'DELETE', token: await relay.token() });
    expect({ status, ending: JSON.parse(body) }).toEqual({ status: 200, ending: await owner.ended(second) });
  });
});

it('another user cannot cancel a stream, and learns nothing of it: the same words as for one that is absent', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  await using alice = await connect(relay, 1);
  await using bob = await connect(relay, 2);
  const stream = alice.start(LONG_ANSWER);
  await alice.until(() => stream.seq > 0 || undefined);

  const answers = [];
  for (const id of [stream.id, 'a-stream-that-never-was']) {
    const refused = bob.refused('cancel');
    bob.send({ type: 'cancel', id });
    const { id: _, ...words } = await refused;
    answers.push(words);
  }
  expect(answers[0]).toMatchObject({ code: 'unknown_stream' });
  expect(answers[1]).toEqual(answers[0]);

  const before = stream.seq;
  await alice.until(() => stream.seq > before + 5 || undefined);
  expect(stream.ending).toBeUndefined();
  alice.cancel(stream);
  await alice.ended(stream);
});

it('closes the upstream request soon: figures for the reader', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  await using client = await connect(relay);
  const closed: number[] = [];
  const answered: number[] = [];
  for (let round = 0; round < 100; round += 1) {
    const stream = client.start(LONG_ANSWER);
    await client.until(() => stream.seq >= 3 || undefined);
    const askedAt = performance.now();
    client.cancel(stream);
    const ending = await client.ended(stream);
    answered.push(performance.now() - askedAt);
    if (ending.type === 'cancelled') closed.push(ending.timing.upstreamClosedMs ?? Number.NaN);
  }
  expect(closed).toHaveLength(100);
  report(
    `cancel until upstream is closed, ms: ${percentiles(closed)}; until the receipt: ${percentiles(answered)}`,
  );
});
