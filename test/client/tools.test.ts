/** That a tool of the operator's is called: what the SDK says of it, by each transport. */
import type { ServerResponse } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import type { DashStream, Transport } from '../../src/client/index.ts';
import { type Scene, startScene } from '../tools/scene.ts';
import { connectTo, QUESTION, until } from './test-client.ts';

interface Asked {
  readonly scene: Scene;
  readonly waiting: readonly ServerResponse[];
  readonly heard: readonly string[];
}

const isRunning = ({ tools }: DashStream) => Object.values(tools).some(({ state }) => state === 'running');

/** The client is told before the call has reached the tool. */
async function answerCall(waiting: readonly ServerResponse[]) {
  await until(() => waiting.length > 0);
  waiting[0]?.end('{}');
}

async function asked(transport: Transport) {
  const waiting: ServerResponse[] = [];
  const scene = await startScene({ handler: (_call, response) => void waiting.push(response) });
  onTestFinished(() => scene[Symbol.asyncDispose]());
  const { client, sockets } = connectTo(
    { url: scene.relay.url, token: () => scene.relay.token() },
    { transports: [transport] },
  );
  const stream = client.stream({ ...QUESTION, model: 'sim:tool' });
  const heard: string[] = [];
  stream.subscribe(() => {
    const said = Object.values(stream.tools)
      .map(({ state }) => state)
      .join();
    if (said !== '' && said !== heard.at(-1)) heard.push(said);
  });
  const parts: Asked = { scene, waiting, heard };
  return { ...parts, sockets, stream };
}

it.each<Transport>(['websocket', 'sse'])('by %s it is told, until it has answered', async (transport) => {
  const { stream, waiting, heard } = await asked(transport);
  await until(() => isRunning(stream));
  expect(stream.tools).toMatchObject({
    1: { call: 1, name: 'lessons', label: 'Looking in your lessons…', state: 'running' },
  });
  expect(stream.phase).toBe('streaming');
  await answerCall(waiting);
  expect(await stream.final).toMatchObject({ outcome: 'done', stopReason: 'end_turn' });
  expect(stream.tools).toEqual({});
  expect(heard).toEqual(['running', 'done']);
});

it('over a socket that is cut meanwhile it is told again, and called once', async () => {
  const { stream, sockets, waiting, scene } = await asked('websocket');
  await until(() => isRunning(stream));
  sockets.at(-1)?.close();
  await until(() => stream.phase === 'reconnecting');
  await until(() => isRunning(stream));
  await answerCall(waiting);
  expect((await stream.final).outcome).toBe('done');
  expect(scene.tools.calls).toHaveLength(1);
});

it('over a socket that is cut while it answers, nothing is left of it', async () => {
  const { stream, sockets, waiting } = await asked('websocket');
  await until(() => isRunning(stream));
  await answerCall(waiting);
  sockets.at(-1)?.close();
  expect((await stream.final).outcome).toBe('done');
  expect(stream.tools).toEqual({});
});

it('as JSON the answer comes whole, and a cancel stops the tool', async () => {
  const whole = await asked('json');
  await answerCall(whole.waiting);
  expect(await whole.stream.final).toMatchObject({ outcome: 'done' });
  expect(whole.heard).toEqual([]);
  const stopped = await asked('websocket');
  await until(() => isRunning(stopped.stream));
  expect((await stopped.stream.cancel()).outcome).toBe('cancelled');
  await until(() => stopped.scene.tools.calls[0]?.hungUp === true);
});
