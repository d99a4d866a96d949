/** Which streams the user has, as the client tells them: on another device, over lost connections, and without WebSockets. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DashClient, ListedStream, StreamChange } from '../../src/client/index.ts';
import type { ClientClock } from '../../src/client/platform.ts';
import { startTestRelay } from '../../src/testing/index.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { connectTo, QUESTION, until } from './test-client.ts';

async function slowRelay() {
  const relay = await startTestRelay({ pace: { firstTokenMs: 5, deltasPerSecond: 20 } });
  onTestFinished(() => relay.close());
  return relay;
}

function watching(client: DashClient) {
  const heard = { streams: undefined as readonly ListedStream[] | undefined, changes: [] as StreamChange[] };
  const stop = client.watch((streams, changes) => {
    heard.streams = streams;
    heard.changes.push(...changes);
  });
  return { heard, stop };
}

/** Stopped once the relay has it: before that it would never have been asked. */
async function askBriefly(client: DashClient): Promise<void> {
  const stream = client.stream(QUESTION);
  await until(() => stream.content !== '');
  await stream.cancel();
}

describe('a second device', () => {
  it('is told of a stream as it starts, reads it as it grows, stops it everywhere, and hears no more after it left', async () => {
    const relay = await slowRelay();
    const { client: phone, requests } = connectTo(relay);
    const { client: desk, sockets } = connectTo(relay);
    const { heard, stop } = watching(desk);
    await until(() => heard.streams !== undefined);
    expect(heard.streams).toEqual([]);
    const asked = phone.stream(QUESTION);
    await until(() => heard.streams?.[0]?.state === 'live');
    const [live] = heard.streams ?? [];
    expect(live).toMatchObject({ id: asked.id, action: 'chat', state: 'live' });
    const followed = desk.attach(asked.id, live?.epoch ?? '', 0);
    await until(() => followed.content !== '' && asked.content !== '');
    const { outcome, content } = await followed.cancel();
    expect(outcome).toBe('cancelled');
    expect((await asked.final).content).toBe(content);
    await until(() => heard.streams?.[0]?.state === 'ended');
    expect(heard.changes).toMatchObject([{ state: 'live' }, { state: 'ended', ending: 'cancelled' }]);
    expect(await phone.streams()).toEqual({ streams: heard.streams, next: null });
    expect(requests).toContain('GET /v1/streams');
    expect(sockets).toHaveLength(1); // one for the list and what it follows
    stop();
    await askBriefly(phone);
    expect(heard.changes).toHaveLength(2);
  });

  it('that lost its connection is told what it missed as changes, and of no stream twice', async () => {
    const relay = await slowRelay();
    const { client: phone } = connectTo(relay);
    await using proxy = await startFaultProxy(relay.url);
    const { client: desk, sockets } = connectTo({ url: proxy.url, token: relay.token });
    const { heard } = watching(desk);
    const first = phone.stream(QUESTION);
    await until(() => heard.streams?.[0]?.state === 'live');
    for (const link of proxy.links) link.reset();
    await first.cancel();
    const second = phone.stream(QUESTION);
    await until(() => heard.streams?.length === 2 && heard.streams.some(({ state }) => state === 'ended'));
    expect(sockets.length).toBeGreaterThan(1);
    const told = heard.changes.map(({ id, state }) => [id, state]);
    expect(told[0]).toEqual([first.id, 'live']);
    expect(told.slice(1).toSorted()).toEqual(
      [
        [first.id, 'ended'],
        [second.id, 'live'],
      ].toSorted(),
    );
    await second.cancel();
  });

  it('is told of what was erased, whichever way it is', async () => {
    const relay = await slowRelay();
    const { client: phone } = connectTo(relay);
    const { heard } = watching(connectTo(relay).client);
    for (let each = 0; each < 3; each += 1) await askBriefly(phone);
    await until(() => heard.streams?.length === 3);
    const [newest] = heard.streams ?? [];
    await phone.request(`/v1/streams/${newest?.id}?forget=true`, { method: 'DELETE' });
    await until(() => heard.streams?.length === 2);
    expect(heard.changes.at(-1)).toMatchObject({ id: newest?.id, state: 'erased' });
    await phone.request('/v1/streams', { method: 'DELETE' });
    await until(() => heard.streams?.length === 0);
    expect(heard.changes.slice(-2).map(({ state }) => state)).toEqual(['erased', 'erased']);
  });

  it('forgets the list with its user', async () => {
    const relay = await slowRelay();
    let user = '11111111-1111-4111-8111-111111111111';
    const { client } = connectTo(relay, { getToken: () => relay.token(user) });
    const { heard } = watching(client);
    await askBriefly(client);
    await until(() => heard.streams?.length === 1);
    user = '22222222-2222-4222-8222-222222222222';
    await askBriefly(client);
    await until(() => heard.streams?.length === 1 && heard.changes.length > 3);
    expect(heard.changes.map(({ state }) => state).filter((state) => state === 'erased')).toHaveLength(1);
  });
});

it('without WebSockets it asks now and then', async () => {
  const relay = await slowRelay();
  const manual = new ManualClock();
  const clock: ClientClock = {
    now: () => manual.now(),
    elapsed: () => manual.elapsed(),
    after: (ms, callback) => manual.after(ms, callback),
  };
  const { client: phone } = connectTo(relay);
  const { client, requests } = connectTo(relay, { transports: ['sse'], clock });
  const { heard, stop } = watching(client);
  await until(() => heard.streams !== undefined);
  await askBriefly(phone);
  const asked = () => requests.filter((request) => request === 'GET /v1/streams').length;
  expect([heard.streams, asked()]).toEqual([[], 1]);
  manual.advance(20_000);
  await until(() => heard.streams?.length === 1);
  expect(asked()).toBe(2);
  stop();
  manual.advance(60_000);
  expect(asked()).toBe(2);
});
