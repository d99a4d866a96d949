import { describe, expect, it, onTestFinished } from 'vitest';
import type { ToolBehaviour } from '../../src/simulator/behaviour.ts';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { connectClient, RelayClient } from '../support/relay-client.ts';
import { dataDirectory, spawnRelay, upstreamAt } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { type Scene, startScene, toldOfTools, writeActions } from './scene.ts';
import { answerJson, startToolServer, TOOLS_SECRET, type ToolHandler } from './tool-server.ts';

/** What the model was told, of each tool it had asked for. */
function results({ bodies }: Scene): { content: string; is_error?: boolean }[] {
  return bodies()[1]?.messages.at(-1)?.content as { content: string; is_error?: boolean }[];
}

const FAILED = 'The tool could not answer.';

const WAYS: readonly [what: string, outcome: string, told: string, handler: ToolHandler][] = [
  ['is late', 'late', 'The tool did not answer in time.', () => {}],
  [
    'stops in the middle of its answer',
    'late',
    'The tool did not answer in time.',
    (_call, response) => void response.write('{'),
  ],
  [
    'answers with an error',
    'status',
    FAILED,
    (_call, response) => void response.writeHead(500).end('secret inside'),
  ],
  [
    'redirects',
    'redirect',
    FAILED,
    ({ headers }, response) =>
      void response.writeHead(307, { location: `http://${headers.host}/elsewhere` }).end(),
  ],
  [
    'says too much',
    'too_large',
    "The tool's answer was longer than 64 KiB; ask it for less.",
    (_call, response) => void response.end('x'.repeat(64 * 1024 + 1)),
  ],
  [
    'is no text',
    'not_text',
    FAILED,
    (_call, response) => void response.writeHead(200, { 'content-type': 'image/png' }).end('PNG'),
  ],
  [
    'is not UTF-8',
    'not_text',
    FAILED,
    (_call, response) =>
      void response.writeHead(200, { 'content-type': 'text/plain' }).end(Buffer.from([0xff])),
  ],
  ['hangs up', 'failed', FAILED, (_call, response) => void response.destroy()],
  [
    'breaks off',
    'failed',
    FAILED,
    (_call, response) => {
      response.writeHead(200, { 'content-length': 100, 'content-type': 'text/plain' });
      response.write('half', () => response.destroy());
    },
  ],
];

describe('a tool that', () => {
  it.each(WAYS)('%s is a failed one to the model, which goes on', async (_what, outcome, told, handler) => {
    await using scene = await startScene({ handler, toolSettings: { timeoutMs: 300 } });
    const ending = await scene.client.ended(scene.start());
    expect(ending).toMatchObject({ type: 'done', stopReason: 'end_turn' });
    expect(results(scene)).toMatchObject([{ content: told, is_error: true }]);
    expect(toldOfTools(scene.client.answers)).toEqual(['1 lessons running', '1 lessons failed']);
    expect(scene.tools.calls).toHaveLength(1);
    const line = await scene.relay.logged('tool called', 1);
    expect(line).toMatchObject([{ level: 'warn', tool: 'lessons', outcome, call: 1, step: 1 }]);
    await scene.tools.quiet();
  });

  it('is not there is a failed one as well', async () => {
    await using scene = await startScene({
      handler: answerJson({}),
      toolSettings: { url: 'http://127.0.0.1:9/nowhere' },
    });
    expect(await scene.client.ended(scene.start())).toMatchObject({ type: 'done' });
    expect(results(scene)).toMatchObject([{ content: FAILED, is_error: true }]);
  });

  it('says nothing has answered all the same', async () => {
    await using scene = await startScene({
      handler: (_call, response) => void response.writeHead(204).end(),
    });
    await scene.client.ended(scene.start());
    expect(results(scene)).toEqual([
      {
        type: 'tool_result',
        tool_use_id: expect.any(String),
        content: 'The tool answered with nothing.',
      },
    ]);
  });
});

const WRONG: readonly [what: string, call: NonNullable<ToolBehaviour['calls']>[number], told: string][] = [
  ['no JSON', { input: '{"topic": "Li' }, 'The input does not fit the schema of this tool.'],
  ['no object', { input: '[1]' }, 'The input does not fit the schema of this tool.'],
  ['a wrong type', { input: { topic: 3 } }, 'The input does not fit the schema of this tool: see topic.'],
  [
    'what is not in the schema',
    { input: { topic: 'a', url: 'http://evil' } },
    'The input does not fit the schema of this tool.',
  ],
  ['a tool that is none', { name: 'weather', input: {} }, 'There is no such tool.'],
];

describe('a model that asks with', () => {
  it.each(WRONG)('%s is told so, and no tool is called', async (_what, call, told) => {
    await using scene = await startScene({ handler: answerJson({}) });
    scene.relay.simulator.script({ tool: { calls: [call] } });
    expect(await scene.client.ended(scene.start())).toMatchObject({ type: 'done', stopReason: 'end_turn' });
    expect(results(scene)).toMatchObject([{ content: told, is_error: true }]);
    expect(scene.tools.calls).toEqual([]);
  });

  it('nine tools at once has eight of them called', async () => {
    await using scene = await startScene({ handler: answerJson({}) });
    scene.relay.simulator.script({ tool: { calls: Array.from({ length: 9 }, () => ({})) } });
    expect(await scene.client.ended(scene.start())).toMatchObject({ type: 'done' });
    expect(scene.tools.calls).toHaveLength(8);
    expect(results(scene).at(-1)).toMatchObject({ is_error: true });
  });
});

describe('while a tool is called', () => {
  const NEVER: ToolHandler = () => {};

  it('a cancel stops it, and bills what the model said before', async () => {
    await using scene = await startScene({ handler: NEVER });
    const stream = scene.start();
    const call = await scene.tools.call(0);
    scene.client.cancel(stream);
    const ending = await scene.client.ended(stream);
    expect(ending).toMatchObject({ type: 'cancelled', usage: { source: 'final' } });
    await eventually('the call is given up', () => call.hungUp);
    expect(scene.relay.simulator.requests).toHaveLength(1);
    expect(toldOfTools(scene.client.answers)).toEqual(['1 lessons running']);
    expect(await scene.relay.usageRows()).toMatchObject([{ status: 'cancelled', source: 'final' }]);
  });

  it('a client that leaves for good stops it, where it said so', async () => {
    await using scene = await startScene({ handler: NEVER });
    scene.start({ onDisconnect: 'cancel' });
    const call = await scene.tools.call(0);
    scene.client.drop();
    await eventually('the call is given up', () => call.hungUp);
    expect(await scene.relay.logged('stream ended', 1)).toMatchObject([{ abortReason: 'disconnected' }]);
  });

  it('a client that comes back is told of it, and it is not called twice', async () => {
    let answer: (() => void) | undefined;
    await using scene = await startScene({
      handler(_call, response) {
        answer = () => response.end('{}');
      },
    });
    const client = new RelayClient({
      url: scene.relay.url,
      token: await scene.relay.token(),
      reconnects: true,
    });
    await client.connect();
    const stream = client.start({ model: 'sim:tool' });
    await client.until(() => stream.tools.get(1));
    client.drop();
    await client.until(() => (client.connections === 2 ? stream.tools.get(1) : undefined));
    expect(toldOfTools(client.answers)).toEqual(['1 lessons running', '1 lessons running']);
    answer?.();
    expect(await client.ended(stream)).toMatchObject({ type: 'done' });
    expect(toldOfTools(client.answers).at(-1)).toBe('1 lessons done');
    expect(scene.tools.calls).toHaveLength(1);
    await client.close();
  });

  it('the limit for one answer ends it', async () => {
    await using scene = await startScene({ handler: NEVER, environment: { UPSTREAM_TOTAL_MS: '1500' } });
    const ending = await scene.client.ended(scene.start());
    expect(ending).toMatchObject({ type: 'error', code: 'upstream_timeout', usage: { source: 'final' } });
    await eventually('the call is given up', () => scene.tools.calls[0]?.hungUp === true);
  });

  it('a drain gives it its time, and ends it then', async () => {
    await using scene = await startScene({ handler: NEVER, environment: { DRAIN_MS: '400' } });
    const stream = scene.start();
    const call = await scene.tools.call(0);
    const draining = scene.relay.drain();
    expect(await scene.client.ended(stream)).toMatchObject({ type: 'error', code: 'interrupted' });
    await draining;
    await eventually('the call is given up', () => call.hungUp);
  });

  it('a model that fails after it ends the run, with the bill of both', async () => {
    await using scene = await startScene({ handler: answerJson({}) });
    scene.relay.simulator.script('tool', 'overloaded-midway');
    const ending = await scene.client.ended(scene.start());
    expect(ending).toMatchObject({
      type: 'error',
      code: 'upstream_overloaded',
      usage: { source: 'estimated' },
    });
    const first = scene.relay.simulator.requests[0]?.usage?.outputTokens ?? 0;
    expect('usage' in ending && ending.usage ? ending.usage.outputTokens : 0).toBeGreaterThan(first);
  });

  it('an overload before its next word is tried again, and no tool with it', async () => {
    await using scene = await startScene({ handler: answerJson({}) });
    scene.relay.simulator.script('tool', 'unavailable');
    expect(await scene.client.ended(scene.start())).toMatchObject({ type: 'done' });
    expect(scene.relay.simulator.requests).toHaveLength(3);
    expect(scene.tools.calls).toHaveLength(1);
  });
});

it('no word of a tool is in the log or in a frame', async () => {
  await using scene = await startScene({ handler: answerJson({ secret: 'of-the-tool' }) });
  scene.relay.simulator.script({ tool: { calls: [{ input: { topic: 'of-the-model' } }] } });
  await scene.client.ended(scene.start());
  const said = JSON.stringify(scene.client.answers) + scene.relay.logText.join('\n');
  expect(said).not.toMatch(/of-the-tool|of-the-model/);
});

it('a crash in the middle of a call ends the run, which is billed, and nothing is called again', async () => {
  await using tools = await startToolServer(() => {});
  const simulator = await startSimulator({ pace: UNPACED });
  onTestFinished(() => simulator.close());
  using data = dataDirectory();
  const environment = {
    ...upstreamAt(simulator.url),
    ACTIONS_FILE: writeActions(data.path, tools.url),
    TOOLS_SECRET,
    ALLOWED_MODELS: 'sim:tool',
  };
  const told = await (async () => {
    await using relay = await spawnRelay(data.path, environment);
    const client = new RelayClient({ url: relay.url, token: await relay.token() });
    await client.connect();
    const stream = client.start({ model: 'sim:tool' });
    await tools.call(0);
    await client.until(() => stream.tools.get(1));
    await eventually('what was said before is on disk', async () => {
      const [row] = await relay.usageRows();
      return (row?.outputTokens ?? 0) > 0;
    });
    relay.kill('SIGKILL');
    await relay.exited;
    return stream;
  })();
  await using relay = await spawnRelay(data.path, environment);
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  const refused = client.refused('resume');
  client.send({ type: 'resume', id: told.id, epoch: told.epoch, after: told.seq });
  expect(await refused).toMatchObject({ code: 'unknown_stream' });
  const [row] = await relay.usageRows();
  expect(row).toMatchObject({ status: 'error', code: 'interrupted' });
  expect(row?.outputTokens).toBeGreaterThan(0);
  expect(tools.calls).toHaveLength(1);
});
