import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RelayChild } from '../support/relay-process.ts';
import { percentiles, report } from '../support/test-run.ts';
import { type Machines, relayAt, startMachines } from './machines.ts';

const STREAMS = 20;

let machines: Machines;
let a: RelayChild;
let b: RelayChild;

beforeAll(async () => {
  machines = await startMachines(2, { pace: { firstTokenMs: 20, deltasPerSecond: 100 } });
  a = relayAt(machines, 0);
  b = relayAt(machines, 1);
});
afterAll(() => machines[Symbol.asyncDispose]());

it('a stream begun on one machine is read on from another, to its exact end', async () => {
  const client = machines.client(a);
  await client.connect();
  const streams = Array.from({ length: STREAMS }, () => client.start());
  await client.until(() => streams.every(({ seq }) => seq > 5) || undefined);
  const elsewhere = machines.client(b);
  await elsewhere.connect();
  const adopted = streams.map((stream) => elsewhere.adopt(stream));
  for (const stream of adopted) elsewhere.resume(stream, 0);
  for (const stream of adopted) expect(await elsewhere.ended(stream)).toMatchObject({ type: 'done' });
  for (const stream of streams) await client.ended(stream);
  expect(adopted.map(({ text }) => text)).toEqual(streams.map(({ text }) => text));
  expect(streams.every(({ text }) => text.length > 100)).toBe(true);
});

it('is cut, comes back to the other machine, and misses nothing', async () => {
  machines.balancer.route(Number(new URL(a.url).port));
  const client = machines.client(undefined, { reconnects: true });
  await client.connect();
  const streams = Array.from({ length: STREAMS }, () => client.start());
  await client.until(() => streams.every(({ seq }) => seq > 3) || undefined);
  machines.balancer.route(Number(new URL(b.url).port));
  machines.balancer.cut();
  for (const stream of streams) expect(await client.ended(stream)).toMatchObject({ type: 'done' });
  expect(client.connections).toBe(2);
});

it('the same start on another machine attaches and runs once', async () => {
  const before = machines.simulator.requests.length;
  const [here, there] = [machines.client(a), machines.client(b)];
  await Promise.all([here.connect(), there.connect()]);
  const fields = { id: 'the-same-start-on-two-machines' };
  const streams = [here.start(fields), there.start(fields)] as const;
  await Promise.all([here.ended(streams[0]), there.ended(streams[1])]);
  expect(streams[1].text).toBe(streams[0].text);
  expect(streams[1].epoch).toBe(streams[0].epoch);
  expect(machines.simulator.requests.length).toBe(before + 1);
  const late = machines.client(b);
  await late.connect();
  const again = late.start(fields);
  await late.ended(again);
  expect(again.text).toBe(streams[0].text);
  const other = late.start({ id: 'another-request', messages: [{ role: 'user', content: 'first' }] });
  await late.accepted(other);
  const conflicting = machines.client(a);
  await conflicting.connect();
  conflicting.start({ id: 'another-request', messages: [{ role: 'user', content: 'second' }] });
  expect(await conflicting.refused('start')).toMatchObject({ code: 'conflict' });
});

it('a stream is nobody else’s, and an absent one is unknown in the same words', async () => {
  const owner = machines.client(a);
  await owner.connect();
  const stream = owner.start();
  await owner.accepted(stream);
  const stranger = machines.client(b, { user: 2 });
  await stranger.connect();
  const answers = [];
  for (const id of [stream.id, 'there-is-no-such-stream']) {
    stranger.send({ type: 'resume', id, epoch: stream.epoch, after: 0 });
    answers.push({ ...(await stranger.refused('resume')), id: '' });
  }
  expect(answers[0]).toEqual(answers[1]);
  expect(answers[0]).toMatchObject({ code: 'unknown_stream' });
  await owner.ended(stream);
});

it('a cancel from another machine closes the request at the model', async () => {
  const [here, there] = [machines.client(a), machines.client(b)];
  await Promise.all([here.connect(), there.connect()]);
  const took: number[] = [];
  for (let round = 0; round < STREAMS; round += 1) {
    const stream = here.start();
    await here.until(() => stream.seq > 2 || undefined);
    const adopted = there.adopt(stream);
    const sentAt = performance.now();
    there.cancel(adopted);
    const ending = await there.ended(adopted);
    took.push(performance.now() - sentAt);
    expect(ending).toMatchObject({ type: 'cancelled' });
    expect(await here.ended(stream)).toEqual(ending);
  }
  expect(machines.simulator.stats.open).toBe(0);
  report(`cancel on another machine until its receipt, ms: ${percentiles(took)}`);
});

it('a stream that is read elsewhere is not abandoned, and costs one row', async () => {
  const rows = [...(await a.usageRows()), ...(await b.usageRows())];
  expect(new Set(rows.map(({ epoch }) => epoch)).size).toBe(rows.length);
  expect(rows.length).toBe(machines.simulator.requests.length);
});
