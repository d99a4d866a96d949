import { expect, it } from 'vitest';
import { Conversations } from '../../src/react/store/conversations.ts';
import { FakeClient } from './fake-client.ts';
import { manualFrames } from './manual-frames.ts';

const ACTION = { action: 'chat' };

function setUp() {
  const client = new FakeClient();
  const frames = manualFrames();
  const conversations = new Conversations({ client, frames });
  conversations.open();
  const changes = { count: 0 };
  conversations.subscribe(() => {
    changes.count += 1;
  });
  return { client, frames, conversations, changes };
}

it('shows a question at once and its answer with the next frame, however many deltas it took', () => {
  const { client, frames, conversations } = setUp();
  const store = conversations.get('one');
  let seen = 0;
  store.subscribe(() => {
    seen += 1;
  });
  store.send('  Why is the sky blue? ', ACTION);
  expect(store.getSnapshot()).toMatchObject({
    title: 'Why is the sky blue?',
    isAnswering: true,
    messages: [
      { role: 'user', content: 'Why is the sky blue?' },
      { role: 'assistant', content: '', status: 'connecting' },
    ],
  });
  const asked = store.getSnapshot();
  const before = seen;
  client.latest.accept();
  for (let i = 0; i < 100; i += 1) client.latest.say('x');
  expect(store.getSnapshot()).toBe(asked);
  expect([seen - before, frames.pending]).toEqual([0, 1]);
  frames.draw();
  expect(seen - before).toBe(1);
  expect(store.getSnapshot().messages[1]).toMatchObject({ content: 'x'.repeat(100), status: 'streaming' });
  expect(store.getSnapshot().messages[0]).toBe(asked.messages[0]);
  expect(store.getSnapshot()).toBe(store.getSnapshot());
});

it('draws nothing where nothing happened', () => {
  const { frames, conversations } = setUp();
  conversations.get('one');
  expect(frames.pending).toBe(0);
});

it('keeps the usage of an ended answer, and follows it no longer', async () => {
  const { client, frames, conversations } = setUp();
  const store = conversations.get('one');
  store.send('Hello', ACTION);
  await client.latest.accept().say('Hi').end();
  frames.draw();
  const { messages, isAnswering } = store.getSnapshot();
  expect(messages[1]).toMatchObject({ content: 'Hi', status: 'done', usage: { outputTokens: 7 } });
  expect(isAnswering).toBe(false);
  expect(client.latest.listeners).toBe(0);
});

it('keeps what had arrived of an answer that failed, and asks again in its place', async () => {
  const { client, frames, conversations } = setUp();
  const store = conversations.get('one');
  store.send('Hello', ACTION);
  await client.latest.accept().say('Par').fail('interrupted', true);
  frames.draw();
  expect(store.getSnapshot().messages[1]).toMatchObject({
    content: 'Par',
    status: 'failed',
    error: { code: 'interrupted', retryable: true },
  });
  expect(store.regenerate()).toBe(true);
  expect(client.latest.request?.messages).toEqual([{ role: 'user', content: 'Hello' }]);
  await client.latest.accept().say('Whole').end();
  frames.draw();
  expect(store.getSnapshot().messages.map(({ content }) => content)).toEqual(['Hello', 'Whole']);
});

it('stops an answer, and shows that it is stopping until it has', async () => {
  const { client, frames, conversations } = setUp();
  const store = conversations.get('one');
  store.send('Hello', ACTION);
  client.latest.accept().say('Some');
  store.stop();
  expect(store.getSnapshot().status).toBe('stopping');
  await client.latest.end('cancelled');
  frames.draw();
  expect(store.getSnapshot().messages[1]).toMatchObject({ content: 'Some', status: 'cancelled' });
});

it('asks nothing twice: neither an empty text nor while an answer is under way', () => {
  const { client, conversations } = setUp();
  const store = conversations.get('one');
  expect(store.send('  ', ACTION)).toBe(false);
  expect(store.send('One', ACTION)).toBe(true);
  expect(store.send('Two', ACTION)).toBe(false);
  expect(store.regenerate()).toBe(false);
  expect(client.asked).toHaveLength(1);
});

it('tells the model what was said before, from a question on and within the limit', async () => {
  const { client, conversations } = setUp();
  const store = conversations.get('one');
  for (let i = 0; i < 8; i += 1) {
    store.send(`question ${i}`, ACTION);
    await client.latest.accept().say(`answer ${i}`).end();
  }
  const contents = client.latest.request?.messages.map(({ content }) => content);
  expect(contents).toHaveLength(9);
  expect([contents?.[0], contents?.at(-1)]).toEqual(['question 3', 'question 7']);
  store.send('next', { action: 'homework_help', maxTokens: 10 });
  expect(client.latest.request).toMatchObject({ action: 'homework_help', maxTokens: 10 });
});

it('asks again with the parameters of before, also after a reload', async () => {
  const { client, conversations } = setUp();
  const store = conversations.get('one');
  const parameters = { language: 'af', brief: true };
  store.send('Hello', { action: 'chat', parameters });
  await client.latest.accept().say('Hallo').end();
  const reloaded = setUp();
  const again = reloaded.conversations.get('one');
  again.restore(JSON.parse(JSON.stringify(store.record())) as ReturnType<typeof store.record>);
  expect(again.regenerate()).toBe(true);
  expect(reloaded.client.latest.request).toMatchObject({ action: 'chat', parameters });
});

it.each(['', '  ', '\n\n', '\u00a0\u2003', '\u200b', '\u200e\t', '\ufeff', '\u2060', '\u0085'])(
  'does not tell the model of an answer in which nothing stood: %j',
  async (blank) => {
    const { client, conversations } = setUp();
    const store = conversations.get('one');
    expect(store.send(blank, ACTION)).toBe(false);
    store.send('first', ACTION);
    client.latest.accept();
    if (blank !== '') client.latest.say(blank);
    store.stop();
    await client.latest.end('cancelled');
    store.send('second', ACTION);
    const both = [
      { role: 'user', content: 'first' },
      { role: 'user', content: 'second' },
    ];
    expect(client.latest.request?.messages).toEqual(both);
    await client.latest.accept().say(' text ').end();
    store.send('third', ACTION);
    expect(client.latest.request?.messages).toEqual([
      ...both,
      { role: 'assistant', content: ' text ' },
      { role: 'user', content: 'third' },
    ]);
  },
);

it('says that the model thinks, and what, until it says something', () => {
  const { client, frames, conversations } = setUp();
  const store = conversations.get('one');
  const answer = () => {
    frames.draw();
    return store.getSnapshot().messages.at(-1);
  };
  store.send('Why?', ACTION);
  client.latest.accept();
  expect(answer()).toMatchObject({ status: 'thinking', isThinking: false, thought: '' });
  client.latest.think('Let me ', 'see.');
  expect(answer()).toMatchObject({ status: 'thinking', isThinking: true, thought: 'Let me see.' });
  client.latest.say('Light.');
  expect(answer()).toMatchObject({ status: 'streaming', isThinking: false, thought: '', content: 'Light.' });
});

it('says which tool is called, in the words of the operator where there are some', async () => {
  const { client, frames, conversations } = setUp();
  const store = conversations.get('one');
  const answer = () => {
    frames.draw();
    return store.getSnapshot().messages.at(-1);
  };
  store.send('Why?', ACTION);
  client.latest.accept();
  expect(answer()).toMatchObject({ tool: undefined });
  const { latest } = client;
  const lessons = { call: 2, name: 'lessons', label: 'Looking in your lessons…' } as const;
  latest.callTool({ call: 1, name: 'look_up', state: 'running' });
  expect(answer()).toMatchObject({ status: 'thinking', tool: '' });
  latest.callTool({ ...lessons, state: 'running' });
  expect(answer()).toMatchObject({ tool: 'Looking in your lessons…' });
  latest.callTool({ ...lessons, state: 'failed' });
  expect(answer()).toMatchObject({ tool: '' });
  latest.callTool({ call: 1, name: 'look_up', state: 'done' });
  expect(answer()).toMatchObject({ tool: undefined });
  latest.callTool({ call: 3, name: 'look_up', state: 'running' }).say('Light.');
  expect(answer()).toMatchObject({ tool: undefined, content: 'Light.' });
  latest.callTool({ call: 4, name: 'look_up', state: 'running' });
  await latest.end('cancelled');
  expect(answer()).toMatchObject({ tool: undefined, status: 'cancelled' });
});

it('discards what was said before the model declined, and tells it neither that nor the question again', async () => {
  const { client, frames, conversations } = setUp();
  const store = conversations.get('one');
  store.send('What is light?', ACTION);
  await client.latest.accept().say('Waves.').end();
  store.send('Something dangerous', ACTION);
  await client.latest.accept().say('First you ').refuse('bio');
  frames.draw();
  expect(store.getSnapshot().messages.at(-1)).toMatchObject({
    status: 'done',
    content: '',
    stopReason: 'refusal',
    refusal: { category: 'bio', partial: true },
  });
  store.send('And colour?', ACTION);
  expect(client.latest.request?.messages).toEqual([
    { role: 'user', content: 'What is light?' },
    { role: 'assistant', content: 'Waves.' },
    { role: 'user', content: 'And colour?' },
  ]);
});

it('asks a question that was declined again where a person wants it', async () => {
  const { client, conversations } = setUp();
  const store = conversations.get('one');
  store.send('Something', ACTION);
  await client.latest.accept().refuse();
  store.regenerate();
  expect(client.latest.request?.messages).toEqual([{ role: 'user', content: 'Something' }]);
});

it.each(['too_large', 'bad_request', 'unsupported', 'upstream_refused'] as const)(
  'does not repeat a question that was refused as it was (%s), except where it is asked again',
  async (code) => {
    const { client, conversations } = setUp();
    const store = conversations.get('one');
    store.send('whole book', ACTION);
    await client.latest.fail(code);
    store.regenerate();
    expect(client.latest.request?.messages).toEqual([{ role: 'user', content: 'whole book' }]);
    await client.latest.fail(code);
    store.send('one page', ACTION);
    expect(client.latest.request?.messages).toEqual([{ role: 'user', content: 'one page' }]);
    await client.latest.fail('upstream_overloaded', true);
    store.send('and now?', ACTION);
    expect(client.latest.request?.messages.map(({ content }) => content)).toEqual(['one page', 'and now?']);
  },
);

it('counts only what is told to the model, and ends with the question', async () => {
  const { client, conversations } = setUp();
  const store = conversations.get('one');
  for (let i = 0; i < 12; i += 1) {
    store.send(`question ${i}`, ACTION);
    await client.latest
      .accept()
      .say(i % 2 === 0 ? '\n' : `answer ${i}`)
      .end();
  }
  store.send('last', ACTION);
  const messages = client.latest.request?.messages ?? [];
  expect(messages[0]?.role).toBe('user');
  expect(messages).toHaveLength(7); // of 19, which are 8 too many: the beginning has advanced twice by 6
  expect(messages.at(-1)).toEqual({ role: 'user', content: 'last' });
});

it('goes on with several at once, in one frame, and marks as unread what nobody saw end', async () => {
  const { client, frames, conversations } = setUp();
  const leave = conversations.view('one');
  for (const id of ['one', 'two', 'three']) conversations.get(id).send(`In ${id}`, ACTION);
  frames.draw();
  const [one, two, three] = client.asked;
  for (const stream of client.asked) stream.accept().say('text');
  expect(frames.pending).toBe(1);
  frames.draw();
  expect(conversations.getSnapshot().list.map(({ isAnswering }) => isAnswering)).toEqual([true, true, true]);
  await one?.end();
  await two?.end();
  frames.draw();
  const unread = () => conversations.getSnapshot().list.flatMap(({ id, unread }) => (unread ? [id] : []));
  expect(unread()).toEqual(['two']);
  expect(conversations.getSnapshot().unreadCount).toBe(1);
  leave();
  conversations.view('two');
  frames.draw();
  expect(unread()).toEqual([]);
  await three?.end();
  frames.draw();
  expect(unread()).toEqual(['three']);
});

it('leaves the list as it is while only text arrives', () => {
  const { client, frames, conversations, changes } = setUp();
  conversations.get('one').send('Hello', ACTION);
  client.latest.accept().say('a');
  frames.draw();
  const before = conversations.getSnapshot();
  const count = changes.count;
  client.latest.say('b', 'c');
  frames.draw();
  expect(conversations.getSnapshot()).toBe(before);
  expect(changes.count).toBe(count);
});

it.each(['reconnecting', 'thinking', 'stopping'] as const)(
  'lists an answer as it is, however soon text follows on a change of its state: %s',
  (phase) => {
    const { client, frames, conversations } = setUp();
    conversations.get('one').send('Hello', ACTION);
    conversations.get('two').send('Hello', ACTION);
    const [one, two] = client.asked;
    for (const stream of client.asked) stream.accept().say('a').enter(phase);
    frames.draw();
    const statuses = () => conversations.getSnapshot().list.map(({ status }) => status);
    expect(statuses()).toEqual([phase, phase]);
    one?.enter('streaming').say('b', 'c');
    two?.enter('streaming');
    one?.say('d');
    two?.say('e');
    frames.draw();
    expect(statuses()).toEqual(['streaming', 'streaming']);
  },
);

it('stops and forgets a conversation that is removed', () => {
  const { client, frames, conversations } = setUp();
  conversations.get('one').send('Hello', ACTION);
  conversations.remove('one');
  frames.draw();
  expect(client.latest.phase).toBe('stopping');
  expect(conversations.getSnapshot().list).toEqual([]);
});
