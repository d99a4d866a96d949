import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { dataDirectory, type RelayChild, upstreamAt } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { toldOfTools, writeActions } from '../tools/scene.ts';
import { startToolServer, TOOLS_SECRET, type ToolServer } from '../tools/tool-server.ts';
import { type Machines, relayAt, startMachines } from './machines.ts';

const waiting: ServerResponse[] = [];
const closing = new AsyncDisposableStack();
let tools: ToolServer;
let machines: Machines;
let a: RelayChild;
let b: RelayChild;

beforeAll(async () => {
  const data = closing.use(dataDirectory());
  tools = closing.use(await startToolServer((_call, response) => void waiting.push(response)));
  const simulator = await startSimulator({ pace: { firstTokenMs: 5, deltasPerSecond: 2000 } });
  closing.defer(() => simulator.close());
  machines = closing.use(
    await startMachines(
      2,
      {},
      {
        ...upstreamAt(simulator.url),
        ACTIONS_FILE: writeActions(data.path, tools.url),
        TOOLS_SECRET,
        ALLOWED_MODELS: 'sim:tool',
      },
    ),
  );
  a = relayAt(machines, 0);
  b = relayAt(machines, 1);
});
afterAll(() => closing.disposeAsync());

it('who comes to another machine while a tool is called is told so, and it is called once', async () => {
  const client = machines.client(a);
  await client.connect();
  const stream = client.start({ model: 'sim:tool' });
  await client.until(() => stream.tools.get(1));

  const elsewhere = machines.client(b);
  await elsewhere.connect();
  const adopted = elsewhere.adopt(stream);
  elsewhere.resume(adopted, 0);
  expect(await elsewhere.until(() => adopted.tools.get(1))).toBe('running');

  await eventually('the tool is called', () => waiting.length > 0);
  waiting[0]?.end('{}');
  expect(await elsewhere.ended(adopted)).toEqual(await client.ended(stream));
  expect(adopted.text).toBe(stream.text);
  expect(toldOfTools(elsewhere.answers)[0]).toBe('1 lessons running');
  expect(tools.calls).toHaveLength(1);
  expect([...a.logText, ...b.logText].join('')).not.toMatch(/malformed/i);
});

it('and a cancel from there stops it', async () => {
  const client = machines.client(a);
  await client.connect();
  const stream = client.start({ model: 'sim:tool' });
  const call = await tools.call(1);
  const elsewhere = machines.client(b);
  await elsewhere.connect();
  const adopted = elsewhere.adopt(stream);
  adopted.epoch = await client.accepted(stream);
  elsewhere.cancel(adopted);
  expect(await client.ended(stream)).toMatchObject({ type: 'cancelled' });
  await expect.poll(() => call.hungUp).toBe(true);
});
