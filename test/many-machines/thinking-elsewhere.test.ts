import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RelayChild } from '../support/relay-process.ts';
import { type SteppedModel, startSteppedModel } from '../support/stepped-model.ts';
import { type Machines, relayAt, startMachines } from './machines.ts';

const ACTIONS = {
  chat: { system: '', defaultMaxTokens: 1024, maxTokens: 4096, thinking: { display: 'summarized' } },
};

let model: SteppedModel;
let machines: Machines;
let a: RelayChild;
let b: RelayChild;
const directory = mkdtempSync(join(tmpdir(), 'actions-'));

beforeAll(async () => {
  const file = join(directory, 'actions.json');
  writeFileSync(file, JSON.stringify(ACTIONS));
  model = await startSteppedModel();
  machines = await startMachines(2, {}, { ...model.environment, ACTIONS_FILE: file });
  a = relayAt(machines, 0);
  b = relayAt(machines, 1);
});
afterAll(async () => {
  await machines[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

it('who comes to another machine while a run thinks is told so, and what it thinks from then on', async () => {
  const client = machines.client(a);
  await client.connect();
  const stream = client.start();
  const call = await model.call(0);
  call.text('First. ');
  call.think('Hm. ');
  await client.until(() => stream.thought === 'Hm. ' || undefined);

  const elsewhere = machines.client(b);
  await elsewhere.connect();
  const adopted = elsewhere.adopt(stream);
  elsewhere.resume(adopted, 0);
  await elsewhere.until(() => adopted.thinking || undefined);
  expect(adopted).toMatchObject({ text: 'First. ', thought: '' });

  call.say('“Yes” é.');
  await elsewhere.until(() => adopted.thought === '“Yes” é.' || undefined);
  call.text('Second.');
  await elsewhere.until(() => adopted.text === 'First. Second.' || undefined);
  expect(adopted.thinking).toBe(false);

  call.think();
  await elsewhere.until(() => adopted.thinking || undefined);
  call.end();
  expect(await elsewhere.ended(adopted)).toEqual(await client.ended(stream));
  expect([...a.logText, ...b.logText].join('')).not.toMatch(/malformed/i);
});

it('and a cancel from there reaches it', async () => {
  const client = machines.client(a);
  await client.connect();
  const stream = client.start();
  const call = await model.call(1);
  call.think();
  await client.until(() => stream.thinking || undefined);
  const elsewhere = machines.client(b);
  await elsewhere.connect();
  const adopted = elsewhere.adopt(stream);
  elsewhere.resume(adopted, 0);
  await elsewhere.until(() => adopted.thinking || undefined);
  elsewhere.cancel(adopted);
  expect(await elsewhere.ended(adopted)).toMatchObject({ type: 'cancelled' });
  await model.idle();
});
