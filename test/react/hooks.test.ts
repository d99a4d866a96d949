/** The hooks as React runs them, in StrictMode: each component is rendered twice, taken away once and put back. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PageServer, servePage } from './react-page.ts';

let pages: PageServer;
beforeAll(async () => {
  pages = await servePage('hooks', 'development');
});
afterAll(() => pages?.close());

async function openHooks(): Promise<Page> {
  const page = await pages.open({});
  await page.waitForFunction('window.test?.seen.stream !== undefined');
  return page;
}

/** `body` of an async function with `client`, `seen`, `renders`, `draw` … of the page at hand. */
function run(page: Page, body: string): Promise<unknown> {
  return page.evaluate(`(async () => { const { client, seen, renders, draw } = window.test; ${body} })()`);
}

it('renders once per frame, however many deltas come, and leaves alone what they do not concern', async () => {
  const page = await openHooks();
  const counts = await run(
    page,
    `seen.conversation.send('Why?');
     client.latest.accept();
     draw();
     client.latest.say('first ');
     draw();
     const before = { ...renders };
     const stable = seen.conversation.messages[0];
     for (let frame = 0; frame < 5; frame += 1) {
       for (let i = 0; i < 40; i += 1) { client.latest.say('x'); await null; }
       draw();
     }
     return {
       conversation: renders.conversation - before.conversation,
       list: renders.list - before.list,
       streams: client.asked.length,
       isStable: stable === seen.conversation.messages[0],
     };`,
  );
  // Each render counts twice in StrictMode.
  expect(counts).toEqual({ conversation: 2 * 5, list: 0, streams: 1, isStable: true });
  expect(await page.locator('p').innerText()).toBe(`Why?|first ${'x'.repeat(200)}`);
});

it('shows what a person does without waiting for a frame', async () => {
  const page = await openHooks();
  await run(page, `seen.conversation.send('Hello');`);
  expect(await page.locator('p').innerText()).toBe('Hello|');
});

it('goes on with a conversation that is not shown, and marks it as unread until it is', async () => {
  const page = await openHooks();
  const unread = await run(
    page,
    `const counts = [];
     seen.conversation.send('In one');
     client.latest.accept().say('text');
     window.test.show('two');
     seen.conversation.send('In two');
     await client.asked[0].say(' more').end();
     draw();
     counts.push(seen.list.unreadCount);
     window.test.show('one');
     await new Promise((resolve) => setTimeout(resolve));
     draw();
     counts.push(seen.list.unreadCount);
     return counts;`,
  );
  expect(unread).toEqual([1, 0]);
  expect(await page.locator('p').innerText()).toBe('In one|text more');
});

it('starts, stops and asks again with useDashStream, and stops the model when the component goes', async () => {
  const page = await openHooks();
  const states = await run(
    page,
    `const states = [];
     const note = () => { draw(); const { status, text, usage, error } = seen.stream; states.push([status, text, usage?.outputTokens, error?.code]); };
     const request = { action: 'chat', messages: [{ role: 'user', content: 'Hi' }] };
     seen.stream.start(request);
     note();
     client.latest.accept().say('Hel', 'lo');
     note();
     seen.stream.stop();
     await client.latest.end('cancelled');
     note();
     seen.stream.regenerate();
     await client.latest.accept().fail('upstream_overloaded', true);
     note();
     seen.stream.regenerate();
     client.latest.accept().say('Again');
     note();
     window.test.leave();
     await new Promise((resolve) => setTimeout(resolve));
     return [states, client.latest.phase, client.asked.length, client.closed];`,
  );
  expect(states).toEqual([
    [
      ['connecting', '', undefined, undefined],
      ['streaming', 'Hello', undefined, undefined],
      ['cancelled', 'Hello', 7, undefined],
      ['failed', '', undefined, 'upstream_overloaded'],
      ['streaming', 'Again', undefined, undefined],
    ],
    'stopping',
    3,
    0,
  ]);
});

it('tells with useDashStream that the model thinks, and that it declined', async () => {
  const page = await openHooks();
  const states = await run(
    page,
    `const states = [];
     const note = () => { draw(); const { isThinking, thought, text, refusal } = seen.stream; states.push([isThinking, thought, text, refusal]); };
     seen.stream.start({ action: 'chat', messages: [{ role: 'user', content: 'Hi' }] });
     client.latest.accept().think('Hm.');
     note();
     client.latest.say('First');
     note();
     await client.latest.refuse('cyber');
     note();
     return states;`,
  );
  expect(states).toEqual([
    [true, 'Hm.', '', undefined],
    [false, '', 'First', undefined],
    [false, '', '', { category: 'cyber', partial: true }],
  ]);
});

it('tells with useDashStream which tool is called', async () => {
  const page = await openHooks();
  const states = await run(
    page,
    `const states = [];
     const note = () => { draw(); states.push(seen.stream.tool ?? null); };
     seen.stream.start({ action: 'chat', messages: [{ role: 'user', content: 'Hi' }] });
     client.latest.accept().callTool({ call: 1, name: 'look_up', state: 'running' });
     note();
     client.latest.callTool({ call: 2, name: 'lessons', label: 'Looking in your lessons…', state: 'running' });
     note();
     client.latest.say('First');
     note();
     return states;`,
  );
  expect(states).toEqual(['', 'Looking in your lessons…', null]);
});

it('lets go of conversations when the provider goes, without stopping them or the client that it was given', async () => {
  const page = await openHooks();
  const [phase, closed, listeners] = (await run(
    page,
    `seen.conversation.send('Hi');
     client.latest.accept().say('text');
     window.test.leave();
     await new Promise((resolve) => setTimeout(resolve));
     return [client.latest.phase, client.closed, client.latest.listeners + window.test.signals.size];`,
  )) as [string, number, number];
  expect({ phase, closed, listeners }).toEqual({ phase: 'detached', closed: 0, listeners: 0 });
});

it('tells how the connection is: as the device says, else as the answers under way show', async () => {
  const page = await openHooks();
  const states = await run(
    page,
    `const states = [seen.connection];
     window.test.signal('offline');
     states.push(seen.connection);
     window.test.signal('online');
     states.push(seen.connection);
     seen.conversation.send('Hi');
     client.latest.accept().enter('reconnecting');
     draw();
     states.push(seen.connection);
     client.latest.enter('streaming');
     draw();
     states.push(seen.connection);
     return states;`,
  );
  expect(states).toEqual(['online', 'offline', 'online', 'reconnecting', 'online']);
});
