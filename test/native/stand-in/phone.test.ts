/** What an app finds on the stand-in: React Native's own code decides each of these, not a double of it. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { startTestRelay } from '../../../src/testing/index.ts';
import { eventually } from '../../support/test-run.ts';
import type { Platform } from '../native-bundle.ts';
import { type PhoneWebSocket, startPhone } from './phone.ts';

const ABSENT = ['crypto', 'document', 'Buffer', 'require', 'TextDecoder', 'ReadableStream', 'EventSource'];

/** What a socket tells, in order. */
function eventsOf(socket: PhoneWebSocket): string[] {
  const events: string[] = [];
  socket.onopen = () => events.push('open');
  socket.onmessage = ({ data }) => events.push(`message ${data}`);
  socket.onclose = ({ code, reason }) => events.push(`close ${code} ${reason}`);
  socket.onerror = () => events.push('error');
  return events;
}

async function startServer() {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: ([first = '']) => first,
  });
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const arrived = once(server, 'connection');
  return { url: `ws://127.0.0.1:${port}/v1/ws`, host: `127.0.0.1:${port}`, arrived };
}

describe.each<Platform>(['android', 'ios'])('on %s', (platform) => {
  it('has nothing of Node, nothing of a page, and no crypto', async () => {
    const { realm } = await startPhone({ platform });
    expect(ABSENT.filter((name) => name in realm)).toEqual([]);
  });

  it('opens a WebSocket with headers by its third argument and names the origin itself', async () => {
    const { realm } = await startPhone({ platform });
    const { url, host, arrived } = await startServer();
    const socket = new realm.WebSocket(url, 'dash-relay.v1', { headers: { Authorization: 'Bearer t' } });
    const events = eventsOf(socket);
    expect(() => socket.send('too early')).toThrow('INVALID_STATE_ERR');
    const [peer, { headers }] = (await arrived) as [WebSocket, { headers: Record<string, string> }];
    expect(headers).toMatchObject({ authorization: 'Bearer t', origin: `http://${host}` });
    peer.send('{}');
    await eventually('the message', () => events.length === 2);
    expect(socket).toMatchObject({ readyState: 1, protocol: 'dash-relay.v1' });
    expect(socket.bufferedAmount).toBeUndefined();
    peer.close(4401, 'sign in');
    await eventually('the close', () => events.length === 3);
    expect(events).toEqual(['open', 'message {}', 'close 4401 sign in']);
    expect(socket.readyState).toBe(3);
  });

  it('tells of a refused handshake as an error and close 1006', async () => {
    const { realm } = await startPhone({ platform });
    const relay = await startTestRelay();
    onTestFinished(() => relay.close());
    const events = eventsOf(new realm.WebSocket(`${relay.url.replace('http', 'ws')}/v1/ws`, 'dash-relay.v1'));
    await eventually('the close', () => events.length === 2);
    expect(events).toEqual(['error', expect.stringContaining('close 1006')]);
  });

  it('fetches whole texts: a body is never a stream', async () => {
    const { realm } = await startPhone({ platform });
    const relay = await startTestRelay();
    onTestFinished(() => relay.close());
    const headers = { authorization: `Bearer ${await relay.token()}` };
    const response = await realm.fetch(`${relay.url}/v1/session`, { headers });
    expect(response.ok).toBe(true);
    expect(response.body).toBeUndefined();
    expect(response.headers.get('content-type')).toMatch('application/json');
    expect(await response.json()).toHaveProperty('userId');
    await expect(realm.fetch('http://127.0.0.1:9/')).rejects.toMatchObject({ name: 'TypeError' });
  });

  it('ends a fetch that is aborted', async () => {
    const { realm } = await startPhone({ platform });
    const { host } = await startServer();
    const abort = new realm.AbortController();
    const fetching = realm.fetch(`http://${host}/`, { signal: abort.signal });
    abort.abort();
    await expect(fetching).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('tells of background and foreground by AppState, and stops meanwhile', async () => {
    const phone = await startPhone({ platform });
    const { AppState } = phone.realm.app;
    const states: string[] = [];
    const subscription = AppState.addEventListener('change', (state) => states.push(state));
    phone.clock.setTimeout(() => states.push('timer'), 1000);
    phone.suspend('killed');
    phone.clock.advance(5000);
    expect(states).toEqual(['background']);
    phone.resume();
    expect(states).toEqual(['background', 'timer', 'active']);
    expect(AppState.currentState).toBe('active');
    subscription.remove();
    phone.suspend('killed');
    expect(states).toHaveLength(3);
  });

  it('loses a killed socket without a word, and gets what a frozen one missed', async () => {
    for (const how of ['killed', 'frozen'] as const) {
      const phone = await startPhone({ platform });
      const { url, arrived } = await startServer();
      const events = eventsOf(new phone.realm.WebSocket(url));
      const [peer] = (await arrived) as [WebSocket];
      await eventually('open', () => events.length === 1);
      phone.suspend(how);
      if (how === 'killed') await once(peer, 'close');
      else peer.send('missed');
      phone.resume();
      if (how === 'frozen') await eventually('the message', () => events.length === 2);
      expect(events).toEqual(how === 'killed' ? ['open'] : ['open', 'message missed']);
    }
  });

  it('streams an answer over one connection, and without WebSockets as one JSON', async () => {
    const { realm, native } = await startPhone({ platform });
    const relay = await startTestRelay();
    onTestFinished(() => relay.close());
    const question = { action: 'chat', messages: [{ role: 'user', content: 'Why?' }] } as const;
    for (const transports of [['websocket', 'json'], ['json']] as const) {
      relay.simulator.script({ deltas: ['Hello ', 'world'] });
      const { createDashClient, AppState } = realm.app;
      const client = createDashClient({
        url: relay.url,
        getToken: () => relay.token(),
        transports,
        AppState,
      });
      const { content, transport } = await client.stream(question).final;
      client.close();
      expect({ content, transport }).toEqual({ content: 'Hello world', transport: transports[0] });
    }
    expect(native.connects.map(({ protocols }) => protocols)).toEqual([['dash-relay.v1']]);
    expect(native.requests).toEqual(['GET /v1/config', 'GET /v1/config', 'POST /v1/chat']);
  });
});
