import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { closeAction } from '../../src/client/reconnection.ts';
import type { ServerFrame } from '../../src/protocol/frames.ts';
import { settled } from '../support/quiet.ts';
import { doneFrame, EPOCH, ScriptedRelay } from './scripted-relay.ts';

it('shows which quota is nearly used up, as soon as the stream is accepted', async () => {
  const relay = new ScriptedRelay();
  const stream = relay.ask();
  await settled();
  relay.greet();
  expect(stream.warning).toBeUndefined();
  const warning = {
    of: 'requests',
    scope: 'user',
    period: 'month',
    used: 45,
    limit: 50,
    resetsAt: 1,
  } as const;
  relay.socket.say({ type: 'accepted', id: stream.id, epoch: EPOCH, model: 'm', warning });
  expect(stream.warning).toEqual(warning);
});

describe('the heartbeat', () => {
  it('pings after the interval of silence, and stays when anything comes back', async () => {
    const relay = new ScriptedRelay();
    await relay.streaming();
    await relay.pass(24_000);
    expect(relay.socket.sentOf('ping')).toHaveLength(0);
    await relay.pass(1_500);
    expect(relay.socket.sentOf('ping')).toHaveLength(1);
    relay.socket.say({ type: 'pong' });
    await relay.pass(20_000);
    expect(relay.socket.closed).toBe(false);
  });

  it('drops the socket where nothing comes back, hears nothing of it any more, and resumes', async () => {
    const relay = new ScriptedRelay();
    const stream = await relay.streaming();
    const dead = relay.socket;
    await relay.pass(35_500);
    expect(dead.closed).toBe(true);
    await relay.pass(1_000);
    relay.greet();
    expect(relay.socket.sent).toEqual([{ type: 'resume', id: stream.id, epoch: EPOCH, after: 1 }]);
    relay.resume(stream.id, 1);
    dead.say({ type: 'chunk', id: stream.id, seq: 2, content: ' from the dead' });
    relay.socket.say({ type: 'chunk', id: stream.id, seq: 2, content: ' again' });
    expect(stream.content).toBe('Hello again');
  });

  it('gives up a handshake without a greeting', async () => {
    const relay = new ScriptedRelay();
    relay.ask();
    await settled();
    await relay.pass(8_000);
    expect(relay.socket.closed).toBe(true);
  });
});

describe('signals of the platform', () => {
  it('probe the connection when the device wakes up', async () => {
    const relay = new ScriptedRelay();
    const stream = await relay.streaming();
    relay.signal('wake');
    expect(relay.socket.sentOf('ping')).toHaveLength(1);
    await relay.pass(4_500);
    expect(relay.sockets).toHaveLength(2);
    expect(stream.phase).toBe('reconnecting');
  });

  it('drop it when the network goes, and end the wait when it comes back', async () => {
    const relay = new ScriptedRelay();
    const stream = await relay.streaming();
    relay.signal('offline');
    await settled();
    expect(stream.phase).toBe('reconnecting');
    const before = relay.sockets.length;
    relay.signal('online');
    await settled();
    expect(relay.sockets).toHaveLength(before + 1);
  });

  it('are listened to only while there is a connection', async () => {
    const relay = new ScriptedRelay();
    expect(relay.listening).toBe(false);
    const stream = await relay.streaming();
    expect(relay.listening).toBe(true);
    relay.socket.say(doneFrame(stream.id, 1));
    await relay.pass(30_500);
    expect(relay.listening).toBe(false);
    expect(relay.socket.closed).toBe(true);
    expect(relay.clock.pending).toBe(0);
  });
});

describe('the table of close codes', () => {
  const rows = tableOf('## Close codes').map(([codes = '', , , what = '']) => [codes, what] as const);
  const cases = rows.flatMap(([codes, what]) =>
    codes.split(', ').map((code) => [Number(code), what] as const),
  );

  it('is read from PROTOCOL.md', () => {
    expect(cases.length).toBeGreaterThan(15);
  });

  it.each(cases.filter(([code]) => code !== 1000))('%d: %s', (code, what) => {
    const action = closeAction(code);
    if (what.startsWith('Stops')) expect(['bad_request', 'too_large', 'unauthorized']).toContain(action);
    else if (what.startsWith('Fetches a token')) expect(action).toBe('refresh-token');
    else expect(action).toBe('back-off');
  });

  it('holds for a code nobody knows as for 1006', () => {
    expect(closeAction(4999)).toBe(closeAction(1006));
  });

  it.each([
    [4400, 'bad_request'],
    [4403, 'unauthorized'],
    [1009, 'too_large'],
  ])('ends every stream after %d with %s, keeping the text', async (code, expected) => {
    const relay = new ScriptedRelay();
    const streams = [await relay.streaming(), await relay.streaming()];
    relay.socket.end(code);
    for (const stream of streams) {
      await expect(stream.final).rejects.toMatchObject({ code: expected, content: 'Hello' });
    }
    await relay.pass(30_000);
    expect(relay.sockets).toHaveLength(1);
  });

  it.each([1001, 1012, 1013, 4503])('waits for the hint of a restart, closed with %d', async (code) => {
    const relay = new ScriptedRelay();
    await relay.streaming();
    relay.socket.say({ type: 'going_away', reconnectAfterMs: 3_000, deadlineMs: 60_000, resume: 'here' });
    relay.socket.end(code);
    await relay.pass(2_900);
    expect(relay.sockets).toHaveLength(1);
    await relay.pass(1_000);
    expect(relay.sockets).toHaveLength(2);
  });
});

describe('going away', () => {
  it('moves at the hinted time where streams can be followed elsewhere', async () => {
    const relay = new ScriptedRelay();
    const stream = await relay.streaming();
    relay.socket.say({
      type: 'going_away',
      reconnectAfterMs: 2_000,
      deadlineMs: 60_000,
      resume: 'elsewhere',
    });
    await relay.pass(1_900);
    expect(relay.sockets).toHaveLength(1);
    await relay.pass(3_000);
    relay.greet();
    expect(relay.socket.sent).toEqual([{ type: 'resume', id: stream.id, epoch: EPOCH, after: 1 }]);
  });

  it('stays for its streams where they can be followed only here, then leaves', async () => {
    const relay = new ScriptedRelay();
    const stream = await relay.streaming();
    relay.socket.say({ type: 'going_away', reconnectAfterMs: 2_000, deadlineMs: 60_000, resume: 'here' });
    expect(relay.socket.closed).toBe(false);
    relay.socket.say(doneFrame(stream.id, 1));
    expect((await stream.final).outcome).toBe('done');
    expect(relay.socket.closed).toBe(true);
  });

  it.each([
    ['websocket', 'sse'],
    ['json', 'json'],
  ] as const)(
    'sends new streams another way meanwhile, with the operator’s word asked anew: %s',
    async (word, transport) => {
      const relay = new ScriptedRelay();
      await relay.streaming();
      relay.socket.say({ type: 'going_away', reconnectAfterMs: 2_000, deadlineMs: 60_000, resume: 'here' });
      relay.routes['/v1/config'] = [200, { transport: word, pollAfterMs: 300_000 }];
      relay.routes['/v1/chat'] = [
        200,
        { ...doneFrame('', 1), type: undefined, content: 'by HTTP', model: 'm' },
      ];
      const other = relay.ask();
      expect(await other.final).toMatchObject({ content: 'by HTTP', transport });
      expect(relay.socket.sentOf('start')).toHaveLength(1);
    },
  );

  it('asks again, on the next connection, what this machine did not take', async () => {
    const relay = new ScriptedRelay();
    const stream = relay.ask();
    await settled();
    relay.greet();
    relay.socket.say(
      { type: 'going_away', reconnectAfterMs: 500, deadlineMs: 60_000, resume: 'here' },
      { type: 'error', id: stream.id, of: 'start', code: 'shutting_down', message: '', retryable: true },
    );
    await relay.pass(2_000);
    expect(relay.sockets).toHaveLength(2);
    relay.greet();
    expect(relay.socket.sentOf('start')).toHaveLength(1);
  });
});

describe('the operator’s word, told while connected', () => {
  const told = (transport: 'websocket' | 'sse') =>
    ({ type: 'config', transport, pollAfterMs: 300_000, enabled: true }) as const;

  it('moves the next stream and none that is under way, there and back', async () => {
    const relay = new ScriptedRelay();
    const stream = await relay.streaming();
    relay.socket.say(told('sse'));
    relay.routes['/v1/chat'] = [
      200,
      { ...doneFrame('', 1), type: undefined, content: 'by HTTP', model: 'm' },
    ];
    expect(await relay.ask().final).toMatchObject({ content: 'by HTTP', transport: 'sse' });
    relay.socket.say({ type: 'chunk', id: stream.id, seq: 2, content: ' goes on' });
    expect(stream.content).toBe('Hello goes on');
    relay.socket.say(told('websocket'));
    const back = await relay.streaming();
    expect(relay.sockets).toHaveLength(1);
    relay.socket.say(doneFrame(back.id, 1), doneFrame(stream.id, 2));
    expect((await back.final).transport).toBe('websocket');
    expect((await stream.final).transport).toBe('websocket');
  });

  it('counts more than an older answer that arrives after it', async () => {
    const answers: (() => void)[] = [];
    const relay = new ScriptedRelay({
      fetch: async (url) => {
        if (new URL(url).pathname === '/v1/chat')
          return Response.json({ ...doneFrame('', 1), type: undefined, content: 'by HTTP', model: 'm' });
        await new Promise<void>((resolve) => answers.push(resolve));
        return Response.json({ transport: 'websocket', pollAfterMs: answers.length > 1 ? 300_000 : 1 });
      },
    });
    const first = relay.ask();
    await settled();
    answers[0]?.();
    await settled();
    relay.greet();
    relay.accept(first.id);
    await relay.pass(250);
    const late = relay.ask();
    await settled();
    relay.socket.say(told('sse'));
    answers[1]?.();
    expect((await late.final).transport).toBe('sse');
  });

  it('is no proof that anything arrives at the relay', async () => {
    const relay = new ScriptedRelay();
    relay.routes['/v1/chat'] = [
      200,
      { ...doneFrame('', 1), type: undefined, content: 'by HTTP', model: 'm' },
    ];
    const stream = relay.ask();
    await settled();
    relay.greet();
    relay.socket.say(told('websocket'));
    await relay.pass(8_500);
    expect(relay.socket.closed).toBe(true);
    expect((await stream.final).transport).toBe('sse');
  });
});

it('acknowledges on a connection only what came by it', async () => {
  const relay = new ScriptedRelay();
  const stream = await relay.streaming();
  relay.socket.end(1006);
  await relay.pass(1_000);
  relay.greet();
  relay.resume(stream.id, 1);
  await relay.pass(1_000);
  expect(relay.sockets.flatMap((socket) => socket.sentOf('ack'))).toEqual([]);
});

it('ignores frames of a later relay, whatever they are called', async () => {
  const relay = new ScriptedRelay();
  const stream = await relay.streaming();
  const { id } = stream;
  const later = ['stop', 'stopped', 'detach', 'fail', 'lost', 'ask', 'whole', 'constructor', 'sung'];
  for (const type of later) {
    const frame = {
      type,
      id,
      failure: { code: 'internal', message: '', retryable: false },
      content: 'x',
      seq: 1,
    };
    relay.socket.say(frame as unknown as ServerFrame);
  }
  expect(stream).toMatchObject({ phase: 'streaming', content: 'Hello' });
  relay.socket.say({ type: 'chunk', id, seq: 2, content: '!' });
  expect(stream.content).toBe('Hello!');
});

it('drops a relay that talks nonsense', async () => {
  const relay = new ScriptedRelay();
  await relay.streaming();
  relay.socket.onmessage?.({ data: '{nonsense' });
  expect(relay.socket.closed).toBe(true);
});

it('waits longer and longer between attempts, at random, and at most 15 s', async () => {
  const relay = new ScriptedRelay({ reconnectMs: 600_000 });
  relay.routes['/v1/session'] = [503, { error: { code: 'unavailable', message: '', retryable: true } }];
  const stream = relay.ask();
  await settled();
  const waits: number[] = [];
  for (let attempt = 0; attempt < 8; attempt++) {
    relay.socket.end(1006);
    await settled();
    const [before, since] = [relay.sockets.length, relay.clock.elapsed()];
    while (relay.sockets.length === before && stream.phase !== 'failed') await relay.pass(50, 50);
    waits.push(relay.clock.elapsed() - since);
    if (stream.phase === 'failed') break;
  }
  expect(Math.max(...waits)).toBeLessThanOrEqual(15_100);
  expect(new Set(waits).size).toBeGreaterThan(1);
});

/** The cells of the first table behind a heading. */
function tableOf(heading: string): string[][] {
  const text = readFileSync(new URL('../../PROTOCOL.md', import.meta.url), 'utf8');
  const section = text.slice(text.indexOf(heading));
  const lines = section.slice(section.indexOf('|---')).split('\n').slice(1);
  const end = lines.findIndex((line) => !line.startsWith('|'));
  return lines.slice(0, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
