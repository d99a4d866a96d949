import { randomUUID } from 'node:crypto';
import { HttpAgent } from '@ag-ui/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { QUESTION, run, textOf } from '../ag-ui/library.ts';
import { CHAT_DOORS, chatOn, heldBy } from '../ai-sdk/chats.ts';
import { HeldStream } from '../support/held-stream.ts';
import { ask, askEvents, askWhole, resumeEvents } from '../support/http-doors.ts';
import type { RelayChild } from '../support/relay-process.ts';
import { eventually, percentiles, report } from '../support/test-run.ts';
import { type Machines, portOf, relayAt, startMachines, tokenOf } from './machines.ts';

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
  machines.balancer.route(portOf(a));
  const client = machines.client(undefined, { reconnects: true });
  await client.connect();
  const streams = Array.from({ length: STREAMS }, () => client.start());
  await client.until(() => streams.every(({ seq }) => seq > 3) || undefined);
  machines.balancer.route(portOf(b));
  machines.balancer.cut();
  for (const stream of streams) expect(await client.ended(stream)).toMatchObject({ type: 'done' });
  expect(client.connections).toBe(2);
});

it.each(CHAT_DOORS)('a chat of the AI SDK goes on there, and is stopped from there: $name', async (door) => {
  const token = await tokenOf(0);
  const deltas = ['Light ', 'is ', 'bent ', 'by ', 'the ', 'air.'];
  // It does not end by itself: a late machine would have nothing to stop.
  machines.simulator.script({ deltas, broken: { afterDeltas: deltas.length, by: 'stall' } });
  const here = chatOn(door.transport(a.url, token), randomUUID());
  const there = chatOn(door.transport(b.url, token), here.id);
  const asked = here.sendMessage({ text: 'Why?' });
  await eventually('there is text', () => heldBy(here).text.length > 20);
  const resumed = there.resumeStream();
  await eventually('there is as much there', () => heldBy(there).text.length > 20);
  if (door.name === 'WebSocketChatTransport') await there.stop();
  else {
    const headers = { authorization: `Bearer ${token}` };
    await fetch(`${b.url}/v1/ai-sdk/chat/${encodeURIComponent(here.id)}/stream`, {
      method: 'DELETE',
      headers,
    });
  }
  await Promise.all([asked, resumed]);
  expect(heldBy(here).metadata).toMatchObject({ ending: 'cancelled' });
  expect(heldBy(here).text.startsWith(heldBy(there).text.slice(0, 20))).toBe(true);
});

it('the same start on another machine attaches and runs once', async () => {
  const before = machines.simulator.requests.length;
  const [here, there] = [machines.client(a), machines.client(b)];
  await Promise.all([here.connect(), there.connect()]);
  const fields = { id: randomUUID() };
  const another = randomUUID();
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
  const other = late.start({ id: another, messages: [{ role: 'user', content: 'first' }] });
  await late.accepted(other);
  const conflicting = machines.client(a);
  await conflicting.connect();
  conflicting.start({ id: another, messages: [{ role: 'user', content: 'second' }] });
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

it('the doors without WebSockets reach another machine as well', async () => {
  const body = { action: 'chat', messages: [{ role: 'user', content: 'Why is the sky blue?' }] } as const;
  const events = await askEvents(a.url, tokenOf(), { ...body, id: 'asked-by-events' });
  expect(events.ending).toMatchObject({ type: 'done' });
  const again = new HeldStream(events.startFrame, events.id);
  again.epoch = events.epoch;
  await resumeEvents(b.url, tokenOf(), again);
  expect(again.text).toBe(events.text);
  expect(again.ending).toEqual(events.ending);
  const whole = await askWhole(b.url, tokenOf(), { ...body, id: events.id });
  expect(whole.content).toBe(events.text);

  const client = machines.client(a);
  await client.connect();
  const stream = client.start();
  await client.until(() => stream.seq > 2 || undefined);
  const cancelled = await ask(`${b.url}/v1/streams/${stream.id}`, { method: 'DELETE', token: tokenOf() });
  expect(JSON.parse(cancelled.body)).toEqual(await client.ended(stream));
});

it('a run of AG-UI is read on at another machine, where its client was cut', async () => {
  const forwardedProps = { action: 'chat', onDisconnect: 'resume' };
  const headers = { authorization: `Bearer ${tokenOf()}` };
  const agent = new HttpAgent({ url: `${a.url}/v1/ag-ui`, headers, initialMessages: [QUESTION] });
  const pieces: string[] = [];
  await agent.runAgent(
    { runId: 'run', forwardedProps },
    {
      onTextMessageContentEvent({ event }) {
        if (pieces.push(event.delta) === 5) agent.abortRun();
      },
    },
  );
  const asked = machines.simulator.requests.length;
  agent.url = `${b.url}/v1/ag-ui`;
  const { events, messages, result } = await run(agent, forwardedProps, { runId: 'run' });
  expect(events.at(-1)).toMatchObject({ type: 'RUN_FINISHED', outcome: { type: 'success' } });
  expect(result).toMatchObject({ textLength: textOf(messages).length });
  expect(messages).toHaveLength(2);
  expect(machines.simulator.requests).toHaveLength(asked);
});

it('each run costs one row, on the machine that ran it', async () => {
  const rows = [...(await a.usageRows()), ...(await b.usageRows())];
  expect(new Set(rows.map(({ epoch }) => epoch)).size).toBe(rows.length);
  expect(rows.length).toBe(machines.simulator.requests.length);
});
