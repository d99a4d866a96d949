/** The relay behind proxies of the system, with the configurations of docs/proxies as they stand. */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { ServerFrame } from '../../src/protocol/frames.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { dataDirectory, type RelayChild, spawnRelay, upstreamAt } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { PROXY_NAMES, type StartedProxy, startProxy } from './proxies.ts';
import { VERSIONS, type Version } from './secure-request.ts';

const DELTAS = ['Sunlight ', 'is made ', 'of many ', 'colours.'];
/** Goes on for as long as its reader likes. */
const STALLED = { deltas: DELTAS, broken: { afterDeltas: DELTAS.length, by: 'stall' } } as const;
const QUESTION = { action: 'chat', messages: [{ role: 'user', content: 'Why is the sky blue?' }] };
const EVENTS = { accept: 'text/event-stream' };

/** What each proxy makes of an answer whose relay was killed, by the version of HTTP towards the client. */
const KILLED: Readonly<Record<string, Readonly<Record<Version, 'whole' | 'cut'>>>> = {
  haproxy: { 'HTTP/1.1': 'cut', 'HTTP/2': 'whole' },
  nginx: { 'HTTP/1.1': 'cut', 'HTTP/2': 'cut' },
  caddy: { 'HTTP/1.1': 'whole', 'HTTP/2': 'whole' },
};

describe.each(PROXY_NAMES)('behind %s', (name) => {
  const directory = dataDirectory();
  let simulator: Simulator;
  let relay: RelayChild;
  let proxy: StartedProxy;
  let authorization: string;

  beforeAll(async () => {
    simulator = await startSimulator({ pace: { firstTokenMs: 1, deltasPerSecond: 2000 } });
    relay = await spawnRelay(directory.path, upstreamAt(simulator.url));
    proxy = await startProxy(name, relay.url);
    authorization = `Bearer ${await relay.token()}`;
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await relay[Symbol.asyncDispose]();
    await simulator.close();
    directory[Symbol.dispose]();
  });

  const chat = (version: Version, headers: Readonly<Record<string, string>> = {}) =>
    VERSIONS[version](proxy, {
      method: 'POST',
      path: '/v1/chat',
      headers: { authorization, ...headers },
      body: QUESTION,
    });

  it('a WebSocket streams', async () => {
    simulator.script({ deltas: DELTAS });
    const socket = new WebSocket(`${proxy.url.replace('https', 'wss')}/v1/ws`, 'dash-relay.v1', {
      ca: proxy.ca,
      headers: { authorization },
    });
    const frames: ServerFrame[] = [];
    socket.on('message', (data) => frames.push(JSON.parse(String(data)) as ServerFrame));
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'start', id: `socket-behind-${name}`, ...QUESTION }));
    await eventually('the answer is whole', () => frames.some(({ type }) => type === 'done'));
    const text = frames.map((frame) => (frame.type === 'chunk' ? frame.content : '')).join('');
    expect(text).toBe(DELTAS.join(''));
    socket.close(1000);
    expect((await once(socket, 'close'))[0]).toBe(1000);
  });

  it.each(Object.keys(VERSIONS) as Version[])(
    'events arrive as they are written, over %s',
    async (version) => {
      simulator.script(STALLED);
      const answer = await chat(version, EVENTS);
      await answer.until('colours.');
      expect(answer.text).not.toContain('event: done');
      const { id } = JSON.parse(/data: (.*)/.exec(answer.text)?.[1] ?? '') as { id: string };
      const path = `/v1/streams/${id}`;
      const cancelled = await VERSIONS[version](proxy, {
        method: 'DELETE',
        path,
        headers: { authorization },
      });
      expect(await cancelled.ended).toBe('whole');
      expect(await answer.ended).toBe('whole');
      expect(answer.text).toContain('event: cancelled');
    },
  );

  it.each(Object.keys(VERSIONS) as Version[])('a JSON answer arrives, over %s', async (version) => {
    simulator.script({ deltas: DELTAS });
    const answer = await chat(version);
    await answer.ended;
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({ content: DELTAS.join('') });
  });

  it('an upgrade to h2c that a client offers changes nothing', async () => {
    const headers = { connection: 'Upgrade', upgrade: 'h2c' };
    expect((await VERSIONS['HTTP/1.1'](proxy, { path: '/readyz', headers })).status).toBe(200);
  });

  it('a relay that is killed: no answer looks finished, and no question is asked again', async () => {
    const before = simulator.requests.length;
    simulator.script(STALLED, STALLED, STALLED);
    const events = {
      'HTTP/1.1': await chat('HTTP/1.1', EVENTS),
      'HTTP/2': await chat('HTTP/2', EVENTS),
    };
    for (const answer of Object.values(events)) await answer.until('colours.');
    const whole = chat('HTTP/1.1');
    await eventually('the third question', () => simulator.requests.length === before + 3);
    relay.kill('SIGKILL');
    await relay.exited;
    // On the same port, so that whoever asks again is heard.
    relay = await spawnRelay(directory.path, { ...upstreamAt(simulator.url), PORT: new URL(relay.url).port });

    expect((await whole).status).toBeGreaterThanOrEqual(502);
    const ends = { 'HTTP/1.1': await events['HTTP/1.1'].ended, 'HTTP/2': await events['HTTP/2'].ended };
    expect(ends).toEqual(KILLED[name]);
    for (const { text } of Object.values(events)) expect(text).not.toMatch(/event: (done|error|cancelled)/);
    expect(simulator.requests).toHaveLength(before + 3);
    await eventually('the new relay is reached', async () => {
      const { status } = await VERSIONS['HTTP/1.1'](proxy, { path: '/readyz' });
      return status === 200;
    });
  });
});
