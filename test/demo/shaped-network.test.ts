import { describe, expect, it } from 'vitest';
import type { FetchResponse, WebSocketLike } from '../../src/client/platform.ts';
import { createShapedNetwork } from '../../src/demo/shaped-network.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** A browser whose sockets say what they are told to, and whose requests are answered at once. */
function setUp() {
  const clock = new ManualClock();
  const sockets: (WebSocketLike & { closed: boolean })[] = [];
  const requests: string[] = [];
  const aborted: string[] = [];
  const used: string[] = [];
  const signals: string[] = [];
  const network = createShapedNetwork(
    {
      clock,
      webSocket() {
        const socket = {
          onmessage: null,
          onclose: null,
          onerror: null,
          closed: false,
          send() {},
          close() {
            socket.closed = true;
          },
        };
        sockets.push(socket);
        return socket;
      },
      async fetch(url, { signal }) {
        requests.push(url);
        signal?.addEventListener('abort', () => aborted.push(url));
        return response('words');
      },
      signals: () => () => {},
    },
    (transport) => used.push(transport),
  );
  network.signals((signal) => signals.push(signal));
  const open = () => {
    const socket = network.webSocket('ws://relay/v1/ws', 'dash-relay.v1', 'token');
    const heard: unknown[] = [];
    socket.onmessage = ({ data }) => heard.push(data);
    socket.onclose = ({ code }) => heard.push(code);
    return { socket, heard };
  };
  return { clock, network, sockets, requests, aborted, used, signals, open };
}

function response(text: string): FetchResponse {
  return {
    ok: true,
    status: 200,
    headers: { get: () => null },
    text: async () => text,
    json: async () => text,
  };
}

/** Moves the clock step by step: what waits on promises in between gets its turn. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let i = 0; i < 10; i++) {
    clock.advance(ms / 10);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('the network of the demo page', () => {
  it('hands on at once, in order, while nothing is wrong with it', () => {
    const { open, sockets, used } = setUp();
    const { heard } = open();
    sockets[0]?.onmessage?.({ data: 'a' });
    sockets[0]?.onmessage?.({ data: 'b' });
    sockets[0]?.onclose?.({ code: 1012 });
    expect(heard).toEqual(['a', 'b', 1012]);
    expect(new Set(used)).toEqual(new Set(['websocket']));
  });

  it('ends what is open when it is cut, and lets nothing through until it is back', async () => {
    const { clock, network, sockets, requests, aborted, signals, open } = setUp();
    const first = open();
    await network.fetch('http://relay/v1/chat', { method: 'POST' });
    network.cut(4000);
    expect([first.heard, sockets[0]?.closed, aborted]).toEqual([[1006], true, ['http://relay/v1/chat']]);
    sockets[0]?.onmessage?.({ data: 'late' });
    expect(first.heard).toEqual([1006]);
    const second = open();
    await pass(clock, 10);
    expect([second.heard, sockets.length]).toEqual([[1006], 1]);
    await expect(network.fetch('http://relay/v1/session', {})).rejects.toThrow('the network is cut');
    expect(requests).toHaveLength(1);
    await pass(clock, 4000);
    expect(signals).toEqual(['online']);
    open();
    expect(sockets).toHaveLength(2);
  });

  it('is late, thin and in order while it is slow, and soon empty when it is good again', async () => {
    const { clock, network, sockets, open } = setUp();
    const { heard } = open();
    network.slow(true);
    for (const data of ['a', 'b'.repeat(1500), 'c']) sockets[0]?.onmessage?.({ data });
    await pass(clock, 600);
    expect(heard).toEqual([]);
    await pass(clock, 200);
    expect(heard).toEqual(['a']);
    network.slow(false);
    sockets[0]?.onmessage?.({ data: 'd' });
    await pass(clock, 2000);
    expect(heard.map((data) => String(data)[0])).toEqual(['a', 'b', 'c', 'd']);
  });

  it('delays answers of requests as well', async () => {
    const { clock, network } = setUp();
    network.slow(true);
    let text: string | undefined;
    void network.fetch('http://relay/v1/chat', {}).then(async (answer) => {
      text = await answer.text();
    });
    await pass(clock, 600);
    expect(text).toBeUndefined();
    await pass(clock, 1000);
    expect(text).toBe('words');
  });

  it('plays the operator’s switch, and ends what is open so that it is heeded', async () => {
    const { network, sockets, requests, open } = setUp();
    const { heard } = open();
    network.prescribe('sse');
    expect([heard, sockets[0]?.closed]).toEqual([[1006], true]);
    const config = await network.fetch('http://relay/v1/config', {});
    expect(await config.json()).toEqual({ transport: 'sse', pollAfterMs: 0 });
    expect(requests).toEqual([]);
  });

  it.each([
    ['POST', '/v1/chat', 'text/event-stream', ['sse']],
    ['GET', '/v1/streams/a', '*/*', ['json']],
    ['DELETE', '/v1/streams/a', '*/*', []],
    ['GET', '/v1/session', '*/*', []],
  ])('tells by which transport text comes: %s %s %s', async (method, path, accept, expected) => {
    const { network, used } = setUp();
    await network.fetch(`http://relay${path}`, { method, headers: { accept } });
    expect(used).toEqual(expected);
  });
});
