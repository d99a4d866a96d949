/** The old functions' WebSockets, as the app's own code used them. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';

const PACE = { firstTokenMs: 1, deltasPerSecond: 2000 } as const;
const PROXY = '/functions/v1/ai-proxy-ws';
const GATEWAY = '/functions/v1/ai-gateway-ws';

interface OldFrame {
  readonly type: string;
  readonly text?: string;
  readonly content?: string;
  readonly message?: string;
}

/** Sends one frame and gathers what comes until the socket is closed, here at `done` as the app did. */
async function speak(relay: SimulatedRelay, path: string, frame: object) {
  const headers = { authorization: `Bearer ${await relay.token()}` };
  const socket = new WebSocket(relay.url.replace('http', 'ws') + path, { headers });
  const frames: OldFrame[] = [];
  socket.on('message', (data: Buffer) => {
    const received = JSON.parse(data.toString()) as OldFrame;
    frames.push(received);
    if (path === GATEWAY && ['done', 'error'].includes(received.type)) socket.close(1000);
  });
  socket.on('open', () => socket.send(JSON.stringify(frame)));
  const [code] = (await once(socket, 'close')) as [number];
  return { frames, code, types: [...new Set(frames.map(({ type }) => type))] };
}

describe(PROXY, () => {
  it('says start, delta, done, and hangs up', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    relay.simulator.always({ deltas: ['Light ', '"scatters" ', '🎉.'] });
    const payload = { prompt: 'Why is the sky blue?', context: 'grade 4' };
    const asked = {
      scope: 'teacher',
      service_type: 'dash_conversation',
      payload,
      metadata: { role: 'teacher' },
    };
    const { frames, code, types } = await speak(relay, PROXY, asked);
    expect(types).toEqual(['start', 'delta', 'done']);
    expect(frames.map(({ text = '' }) => text).join('')).toBe('Light "scatters" 🎉.');
    expect(code).toBe(1000);
    expect(await relay.usageRows()).toMatchObject([{ action: 'chat', status: 'done' }]);
  });

  it.each([PROXY, GATEWAY])(
    'takes the language of the reply into the prompt of the server: %s',
    async (path) => {
      await using relay = await startSimulatedRelay({ pace: PACE, keepBodies: true });
      const fields = { prompt: 'Why is the sky blue?', language: 'zu' };
      await speak(relay, path, path === PROXY ? { payload: fields } : fields);
      expect(relay.simulator.requests[0]?.body).toMatchObject({
        system: expect.stringMatching(/\n\nAnswer in isiZulu/),
      });
    },
  );

  it.each([
    [
      'what is not served',
      { service_type: 'image_generation', payload: { prompt: 'x' } },
      /image generation/,
    ],
    ['no question', { scope: 'parent', payload: {} }, /prompt/],
    ['a run that fails', { payload: { prompt: 'x', model: 'sim:bad-request' } }, /./],
  ])('says error and hangs up: %s', async (_what, frame, message) => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const { frames, code } = await speak(relay, PROXY, frame);
    expect(frames.at(-1)).toMatchObject({ type: 'error', message: expect.stringMatching(message) });
    expect(code).toBe(1000);
  });

  it('ends the run of who hangs up', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const headers = { authorization: `Bearer ${await relay.token()}` };
    const socket = new WebSocket(relay.url.replace('http', 'ws') + PROXY, { headers });
    await once(socket, 'open');
    socket.send(JSON.stringify({ payload: { prompt: 'x', model: 'sim:stall' } }));
    await once(socket, 'message');
    socket.terminate();
    expect((await relay.logged('stream ended'))[0]).toMatchObject({ abortReason: 'disconnected' });
  });
});

describe(GATEWAY, () => {
  it.each([
    { action: 'lesson_generation', topic: 'Owls', gradeLevel: 2 },
    { action: 'chat', prompt: 'Why?' },
    { action: 'general_assistance', messages: [{ role: 'user', content: 'Why?' }], model: 'sonnet' },
  ])('takes %j, and answers in the frames of the plan', async (frame) => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const { frames, types } = await speak(relay, GATEWAY, frame);
    // Lessons are thought over first, which is a frame that clients of the plan pass over.
    const known = types.filter((type) => type !== 'thinking');
    expect(known).toEqual(['hello', 'accepted', 'chunk', 'done']);
    expect(frames.map(({ content = '' }) => content).join('').length).toBeGreaterThan(20);
    expect(await relay.usageRows()).toMatchObject([{ action: frame.action, status: 'done' }]);
  });

  it('closes who sends nothing but what cannot be read', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const headers = { authorization: `Bearer ${await relay.token()}` };
    const socket = new WebSocket(relay.url.replace('http', 'ws') + GATEWAY, { headers });
    await once(socket, 'open');
    for (let sent = 0; sent < 5; sent += 1) socket.send('{"action":7}');
    expect((await once(socket, 'close'))[0]).toBe(4400);
  });
});
