/** A user's streams on two machines of one Redis: who watches one is told what begins and ends on the other. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StreamFrame, StreamsFrame } from '../../src/protocol/frames.ts';
import type { RelayClient } from '../support/relay-client.ts';
import type { RelayChild } from '../support/relay-process.ts';
import { type SteppedModel, startSteppedModel } from '../support/stepped-model.ts';
import { type Machines, relayAt, startMachines, tokenOf } from './machines.ts';

let model: SteppedModel;
let machines: Machines;
let a: RelayChild;
let b: RelayChild;

beforeAll(async () => {
  model = await startSteppedModel();
  machines = await startMachines(2, {}, model.environment);
  a = relayAt(machines, 0);
  b = relayAt(machines, 1);
});
afterAll(async () => {
  await machines[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

/** What was told of streams, without what was told twice: as who lost Redis for a moment does. */
const changesOf = (client: RelayClient) =>
  framesOf(client, 'stream').filter(
    ({ id, state }, at, all) => all[at - 1]?.id !== id || all[at - 1]?.state !== state,
  );
const framesOf = <T extends 'stream' | 'streams'>({ answers }: RelayClient, type: T) =>
  answers.filter((frame): frame is T extends 'stream' ? StreamFrame : StreamsFrame => frame.type === type);

async function watching(at: RelayChild, user: number): Promise<RelayClient> {
  const client = machines.client(at, { user });
  await client.connect();
  client.send({ type: 'watch' });
  await client.until(() => framesOf(client, 'streams')[0]);
  return client;
}

async function listAt(at: RelayChild, user: number) {
  const headers = { authorization: `Bearer ${tokenOf(user)}` };
  const response = await fetch(`${at.url}/v1/streams`, { headers });
  return (await response.json()) as { readonly streams: readonly StreamFrame[] };
}

it('is told of a start and an ending elsewhere, once each, and nobody else is', async () => {
  const asking = machines.client(a, { user: 1 });
  await asking.connect();
  const [first, second, stranger] = [await watching(b, 1), await watching(b, 1), await watching(b, 2)];
  const stream = asking.start();
  const call = await model.call(0);
  call.text('First. ');
  await asking.until(() => stream.epoch);
  await first.until(() => framesOf(first, 'stream').find(({ id }) => id === stream.id));
  const live = { id: stream.id, epoch: stream.epoch, state: 'live', action: 'chat' };
  expect(changesOf(first)).toMatchObject([live]);
  expect(await listAt(b, 1)).toMatchObject({ streams: [live], next: null });
  expect(framesOf(await watching(b, 1), 'streams')[0]).toMatchObject({ streams: [live] });

  // What the list says is enough to follow it, and to stop it from there.
  const adopted = first.adopt(stream);
  first.resume(adopted, 0);
  await first.until(() => adopted.text === 'First. ' || undefined);
  first.cancel(adopted);
  expect((await asking.ended(stream)).type).toBe('cancelled');
  for (const each of [first, second])
    await each.until(() => framesOf(each, 'stream').some(({ state }) => state === 'ended') || undefined);
  for (const each of [first, second])
    expect(changesOf(each)).toMatchObject([live, { id: stream.id, ending: 'cancelled', textLength: 7 }]);
  expect(framesOf(stranger, 'stream')).toEqual([]);
  expect(await listAt(b, 1)).toMatchObject({ streams: [{ id: stream.id, state: 'ended', head: 1 }] });
  expect(await listAt(b, 2)).toEqual({ streams: [], next: null });
});

it('is told of what is erased on another machine, and finds it in no list any more', async () => {
  const asking = machines.client(a, { user: 5 });
  await asking.connect();
  const [here, there] = [await watching(a, 5), await watching(b, 5)];
  const streams = [asking.start(), asking.start()];
  await asking.until(() => streams.every(({ epoch }) => epoch !== undefined) || undefined);
  for (const stream of streams)
    await there.until(() => framesOf(there, 'stream').find(({ id }) => id === stream.id));
  const erase = (path: string) =>
    fetch(`${b.url}/v1/streams${path}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${tokenOf(5)}` },
    });
  const [first, second] = streams.map(({ id, epoch }) => ({ id, epoch }));
  expect((await erase(`/${first?.id}?forget=true`)).status).toBe(204);
  for (const at of [a, b]) expect((await listAt(at, 5)).streams).toMatchObject([second]);
  for (const each of [here, there]) {
    const erased = { type: 'stream', ...first, state: 'erased' };
    await each.until(() => framesOf(each, 'stream').find(({ state }) => state === 'erased'));
    expect(changesOf(each)).toContainEqual(erased);
  }
  expect((await erase('')).status).toBe(204);
  for (const at of [a, b]) expect((await listAt(at, 5)).streams).toEqual([]);
  for (const each of [here, there])
    await each.until(() => framesOf(each, 'streams').findLast(({ streams: list }) => list.length === 0));
});

it('a stream whose machine is killed is told as interrupted, though nobody follows it', async () => {
  const doomed = await machines.launch();
  const asking = machines.client(doomed, { user: 3 });
  await asking.connect();
  const watcher = await watching(b, 3);
  const stream = asking.start();
  await watcher.until(() => framesOf(watcher, 'stream')[0]);
  doomed.kill('SIGKILL');
  const over = { id: stream.id, state: 'ended', ending: 'error', code: 'interrupted' };
  await watcher.until(() => changesOf(watcher)[1]);
  expect(changesOf(watcher)[1]).toMatchObject(over);
  expect((await listAt(a, 3)).streams).toMatchObject([over]);
});

it('gets the list anew when Redis is back, with what it missed', async () => {
  const asking = machines.client(a, { user: 4 });
  await asking.connect();
  const watcher = await watching(b, 4);
  await machines.redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  const stream = asking.start();
  const again = await watcher.until(() =>
    framesOf(watcher, 'streams').find(({ streams }) => streams.some(({ id }) => id === stream.id)),
  );
  expect(again.streams).toMatchObject([{ id: stream.id, state: 'live' }]);
  asking.cancel(stream);
  await asking.ended(stream);
});
