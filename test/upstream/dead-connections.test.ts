/** Connections that are dead and do not say so: nothing arrives, nothing is closed. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AnthropicUpstream } from '../../src/upstream/anthropic.ts';
import type { AttemptFailed } from '../../src/upstream/call.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { messageStart, SSE_HEADERS, textDelta, wholeMessage } from './message-script.ts';
import {
  type Answer,
  type ModelRequest,
  type ModelServer,
  startModelServer,
  type Wire,
} from './model-server.ts';
import { openCall, upstreamTo } from './recorded-call.ts';

let clock: ManualClock;
let server: ModelServer;
let line: Line;
let upstream: AnthropicUpstream;
let failures: AttemptFailed[];

beforeEach(() => {
  clock = new ManualClock();
  failures = [];
});
afterEach(async () => {
  await upstream.close();
  await line.close();
  await server.close();
});

const whole: Answer = (response) => {
  response.writeHead(200, SSE_HEADERS);
  response.end(wholeMessage('all'));
};

async function serve(wire: Wire, answer: Answer) {
  server = await startModelServer(wire, answer);
  line = await openLine(Number(new URL(server.baseURL).port));
  upstream = upstreamTo(
    { baseURL: server.baseURL.replace(/\d+$/, String(line.port)) },
    {
      clock,
      random: () => 0,
      timeouts: { connectMs: 5_000, idleMs: 60_000, totalMs: 600_000 },
      onAttemptFailed: (event) => failures.push(event),
    },
  );
}

interface Line {
  readonly port: number;
  /** Connections so far. */
  readonly made: number;
  /** The connections made so far carry nothing any more. */
  goDead(): void;
  close(): Promise<void>;
}

async function openLine(onwardPort: number): Promise<Line> {
  const ends: Socket[] = [];
  const server = createServer((socket) => {
    const onward = connect(onwardPort, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on('error', () => {});
    ends.push(socket, onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get made() {
      return ends.length / 2;
    },
    goDead() {
      for (const end of ends) end.unpipe().resume();
    },
    close() {
      for (const end of ends) end.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Seconds go by as they do: what is on its way arrives in between, if it is given the time. */
async function seconds(count: number, each = 5): Promise<void> {
  for (let second = 0; second < count; second += 1) {
    await new Promise((resolve) => setTimeout(resolve, each));
    clock.advance(1_000);
  }
  await new Promise((resolve) => setTimeout(resolve, each));
}

describe('over HTTP/2', () => {
  test('a question on a dead connection is asked again on another, within ten seconds', async () => {
    await serve('h2', whole);
    await openCall(upstream).call.ended;
    line.goDead();
    const recorded = openCall(upstream);
    await seconds(12);
    expect(await recorded.call.ended).toMatchObject({ kind: 'done' });
    expect(failures).toMatchObject([{ error: 'upstream_reset', code: 'ETIMEDOUT', willRetry: true }]);
    expect(line.made).toBe(2);
  });

  test('questions that are given up sooner do not keep it: the next are asked elsewhere', async () => {
    await serve('h2', whole);
    await openCall(upstream).call.ended;
    line.goDead();
    for (let question = 0; question < 2; question += 1) {
      const { call, controller } = openCall(upstream);
      await seconds(3);
      controller.abort();
      expect(await call.ended).toMatchObject({ kind: 'aborted' });
    }
    for (let question = 0; question < 4; question += 1) {
      expect(await openCall(upstream).call.ended).toMatchObject({ kind: 'done' });
    }
    expect(line.made).toBe(2);
  });

  test('a connection that died while it was idle is found by its first question within five seconds', async () => {
    await serve('h2', whole);
    await openCall(upstream).call.ended;
    await seconds(30);
    line.goDead();
    const first = openCall(upstream);
    await seconds(2);
    const second = openCall(upstream);
    expect(await second.call.ended).toMatchObject({ kind: 'done' });
    await seconds(5);
    expect(await first.call.ended).toMatchObject({ kind: 'done' });
  });

  test('an answer that has begun is not asked for again', async () => {
    await serve('h2', (response) => {
      response.writeHead(200, SSE_HEADERS);
      response.write(messageStart() + textDelta('some'));
    });
    const recorded = openCall(upstream);
    await recorded.first;
    line.goDead();
    await seconds(12);
    expect(await recorded.call.ended).toMatchObject({ kind: 'failed', error: { code: 'upstream_reset' } });
    expect(server.requests).toHaveLength(1);
  });

  test('a connection that lives is kept, however silent and whoever gives up', async () => {
    await serve('h2', () => {});
    const patient = openCall(upstream);
    for (let question = 0; question < 4; question += 1) {
      const { call, controller } = openCall(upstream);
      await seconds(7, 40);
      controller.abort();
      await call.ended;
    }
    expect(line.made).toBe(1);
    expect(failures).toEqual([]);
    patient.controller.abort();
    await patient.call.ended;
    await seconds(10, 40);
    await seconds(120);
    await expect.poll(() => server.sockets.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test('many questions at once after a pause share one connection', async () => {
    await serve('h2', whole);
    await openCall(upstream).call.ended;
    await seconds(30);
    const calls = Array.from({ length: 20 }, () => openCall(upstream));
    for (const { call } of calls) expect(await call.ended).toMatchObject({ kind: 'done' });
    expect(line.made).toBe(1);
  });
});

describe.each<Wire>(['http', 'https'])('over %s', (wire) => {
  test('an idle connection is closed after half a minute, and leaves no timer', async () => {
    await serve(wire, whole);
    await openCall(upstream).call.ended;
    const connections = line.made;
    await seconds(20);
    await openCall(upstream).call.ended;
    expect(line.made).toBe(connections);
    await seconds(25);
    expect(server.sockets.size).toBe(1);
    await seconds(7);
    await expect.poll(() => server.sockets.size).toBe(0);
    await seconds(2);
    expect(clock.pending).toBe(0);
  });

  test('one that died meanwhile is not met by a later question', async () => {
    await serve(wire, whole);
    await openCall(upstream).call.ended;
    line.goDead();
    await seconds(32);
    expect(await openCall(upstream).call.ended).toMatchObject({ kind: 'done' });
  });

  test('one that the server closes as a question comes is no failure: it is asked on another', async () => {
    const used = new Set<unknown>();
    await serve(wire, (response, call, { socket }) => {
      // As the server of a kept connection does whose patience ends at that moment.
      if (used.has(socket)) socket.destroy();
      else whole(response, call, { socket } as ModelRequest);
      used.add(socket);
    });
    await Promise.all([openCall(upstream).call.ended, openCall(upstream).call.ended]);
    for (let question = 0; question < 3; question += 1)
      expect(await openCall(upstream).call.ended).toMatchObject({ kind: 'done' });
    expect(failures).toEqual([]);
    expect(server.requests).toHaveLength(8);
  });

  test('a new one that the server closes at once is a failure', async () => {
    await serve(wire, (_response, _call, { socket }) => void socket.destroy());
    const { call } = openCall(upstream);
    await expect.poll(() => failures).toMatchObject([{ error: 'upstream_reset', willRetry: true }]);
    await seconds(1);
    expect(await call.ended).toMatchObject({ kind: 'failed', error: { code: 'upstream_reset' } });
    expect(server.requests).toHaveLength(2);
  });

  test('an answer may be silent for longer', async () => {
    const answered = Promise.withResolvers<Parameters<Answer>[0]>();
    await serve(wire, answered.resolve);
    const recorded = openCall(upstream);
    const response = await answered.promise;
    await seconds(50);
    whole(response, 0, {} as never);
    expect(await recorded.call.ended).toMatchObject({ kind: 'done' });
  });
});
