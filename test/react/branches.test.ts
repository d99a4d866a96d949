/** Questions that are edited and answers that are given again: both ways stay, one is shown. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failure } from '../../src/client/dash-error.ts';
import { NO_ANSWER } from '../../src/react/store/answer-state.ts';
import { Conversations } from '../../src/react/store/conversations.ts';
import { MessageTree } from '../../src/react/store/message-tree.ts';
import type { ChatMessage } from '../../src/react/store/messages.ts';
import type { ConversationStorage } from '../../src/react/store/shared-text.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { settled } from '../support/quiet.ts';
import { FakeClient } from './fake-client.ts';
import { manualFrames } from './manual-frames.ts';

const ACTION = { action: 'chat' };

function openPage(storage?: ConversationStorage) {
  const client = new FakeClient();
  const clock = new ManualClock();
  const frames = manualFrames();
  const conversations = new Conversations({ client, clock, frames, storage });
  conversations.open();
  const store = conversations.get('one');
  const shown = () => {
    frames.draw();
    return store.getSnapshot().messages.map(({ content }) => content);
  };
  const idOf = (text: string) =>
    store.getSnapshot().messages.find(({ content }) => content === text)?.id ?? 'none';
  /** The variants of what says `text`. */
  const variantsOf = (text: string) => store.getSnapshot().variants[idOf(text)] ?? [];
  const answer = async (text: string) => {
    await client.latest.accept().say(text).end();
    frames.draw();
  };
  const ask = async (question: string, text: string) => {
    store.send(question, ACTION);
    await answer(text);
  };
  const told = () => client.latest.request?.messages.map(({ content }) => content);
  return { client, clock, frames, conversations, store, shown, idOf, variantsOf, answer, ask, told };
}

function memoryStorage() {
  return {
    text: null as string | null,
    getItem() {
      return this.text;
    },
    setItem(_key: string, value: string) {
      this.text = value;
    },
  };
}

describe('a question that is edited', () => {
  it('goes on from there, and the older one is kept with all that followed', async () => {
    const { store, shown, idOf, variantsOf, answer, ask, told } = openPage();
    await ask('one', 'first');
    await ask('two', 'second');
    await ask('three', 'third');
    expect(store.edit(idOf('two'), ' zwei ', ACTION)).toBe(true);
    expect(told()).toEqual(['one', 'first', 'zwei']);
    await answer('zweitens');
    expect(shown()).toEqual(['one', 'first', 'zwei', 'zweitens']);
    const [older, newer] = variantsOf('zwei');
    expect(store.showVariant(older ?? '')).toBe(true);
    expect(shown()).toEqual(['one', 'first', 'two', 'second', 'three', 'third']);
    expect(variantsOf('two')).toEqual([older, newer]);
    await ask('four', 'fourth');
    expect(told()).toEqual(['one', 'first', 'two', 'second', 'three', 'third', 'four']);
    store.showVariant(newer ?? '');
    expect(shown()).toEqual(['one', 'first', 'zwei', 'zweitens']);
  });

  it('is the title where it is the first', async () => {
    const { store, idOf, ask, answer } = openPage();
    await ask('hwo?', 'so');
    store.edit(idOf('hwo?'), 'How?', ACTION);
    await answer('So');
    expect(store.getSnapshot().title).toBe('How?');
  });

  it('is not asked where there is nothing to ask, no such question, or an answer under way', async () => {
    const { client, store, idOf, ask } = openPage();
    await ask('one', 'first');
    expect(store.edit(idOf('one'), ' ', ACTION)).toBe(false);
    expect(store.edit('unknown', 'text', ACTION)).toBe(false);
    expect(store.edit(idOf('first'), 'text', ACTION)).toBe(false);
    expect(store.showVariant('unknown')).toBe(false);
    store.send('two', ACTION);
    expect(store.edit(idOf('one'), 'text', ACTION)).toBe(false);
    expect(client.asked).toHaveLength(2);
  });
});

describe('an answer that is given again', () => {
  it('stands beside the older one, and the conversation goes on with the one that is shown', async () => {
    const { store, shown, idOf, variantsOf, answer, ask, told } = openPage();
    await ask('one', 'first');
    store.regenerate();
    expect(told()).toEqual(['one']);
    await answer('another');
    expect(shown()).toEqual(['one', 'another']);
    const older = idOf('another');
    expect(variantsOf('another')).toHaveLength(2);
    store.showVariant(variantsOf('another')[0] ?? '');
    expect(shown()).toEqual(['one', 'first']);
    await ask('two', 'second');
    expect(told()).toEqual(['one', 'first', 'two']);
    store.showVariant(older);
    expect(shown()).toEqual(['one', 'another']);
  });

  it('is in the place of one without words', async () => {
    const { client, store, shown, answer } = openPage();
    store.send('one', ACTION);
    await client.latest.fail('upstream_overloaded', true);
    store.regenerate();
    await answer('first');
    expect(shown()).toEqual(['one', 'first']);
    expect(store.getSnapshot().variants).toEqual({});
  });

  it('goes on while the older one is looked at', async () => {
    const { client, frames, store, shown, variantsOf, ask } = openPage();
    await ask('one', 'first');
    store.regenerate();
    client.latest.accept().say('an');
    frames.draw();
    const [older, newer] = variantsOf('an');
    store.showVariant(older ?? '');
    client.latest.say('other');
    expect(shown()).toEqual(['one', 'first']);
    expect(store.getSnapshot()).toMatchObject({ isAnswering: true, status: 'streaming' });
    await client.latest.end();
    expect(shown()).toEqual(['one', 'first']);
    expect(store.getSnapshot().isAnswering).toBe(false);
    store.showVariant(newer ?? '');
    expect(shown()).toEqual(['one', 'another']);
  });
});

describe('the rest of an answer', () => {
  it.each([
    ['that was stopped', (client: FakeClient) => client.latest.end('cancelled')],
    ['that broke off', (client: FakeClient) => client.latest.fail('interrupted', true)],
  ])('%s is asked for in a turn of its own', async (_what, end) => {
    const { client, store, shown, answer, told } = openPage();
    store.send('one', ACTION);
    client.latest.accept().say('First, ');
    await end(client);
    expect(store.continueAnswer('Go on.', ACTION)).toBe(true);
    expect(told()).toEqual(['one', 'First, ', 'Go on.']);
    await answer('second.');
    expect(shown()).toEqual(['one', 'First, ', 'Go on.', 'second.']);
    expect(store.getSnapshot().messages[2]).toMatchObject({ role: 'user', continues: true });
  });

  it('is not there where the answer is whole, has no words, or was declined', async () => {
    const { client, store, ask } = openPage();
    expect(store.continueAnswer('Go on.', ACTION)).toBe(false);
    await ask('one', 'first');
    expect(store.continueAnswer('Go on.', ACTION)).toBe(false);
    store.send('two', ACTION);
    expect(store.continueAnswer('Go on.', ACTION)).toBe(false);
    await client.latest.end('cancelled');
    expect(store.continueAnswer('Go on.', ACTION)).toBe(false);
    store.send('three', ACTION);
    await client.latest.accept().say('So').refuse();
    expect(store.continueAnswer('Go on.', ACTION)).toBe(false);
  });
});

describe('variants over a reload', () => {
  it('are there again, and so is the one that was shown', async () => {
    const storage = memoryStorage();
    const before = openPage(storage);
    await before.ask('one', 'first');
    before.store.regenerate();
    await before.answer('another');
    before.store.showVariant(before.variantsOf('another')[0] ?? '');
    await before.ask('two', 'second');
    await Promise.resolve();
    const { shown, store, variantsOf } = openPage(storage);
    expect(shown()).toEqual(['one', 'first', 'two', 'second']);
    store.showVariant(variantsOf('first')[1] ?? '');
    expect(shown()).toEqual(['one', 'another']);
  });

  it('take up the one that was under way, though another was shown', async () => {
    const storage = memoryStorage();
    const before = openPage(storage);
    await before.ask('one', 'first');
    before.store.regenerate();
    before.client.latest.accept('epoch-1').say('an');
    before.frames.draw();
    before.store.showVariant(before.variantsOf('an')[0] ?? '');
    await Promise.resolve();
    await Promise.resolve();
    const { client, shown, store, variantsOf } = openPage(storage);
    expect(client.latest.content).toBe('an');
    await client.latest.say('other').end();
    expect(shown()).toEqual(['one', 'first']);
    store.showVariant(variantsOf('first')[1] ?? '');
    expect(shown()).toEqual(['one', 'another']);
  });

  const messages = [
    { role: 'user', id: 'q', content: 'one' },
    { ...NO_ANSWER, role: 'assistant', id: 'a', content: 'first', status: 'done' },
  ];
  it.each([
    ['of the version before, which had none', { version: 1 }],
    ['with parents of another shape', { version: 2, parents: ['x', 0], end: 1 }],
    ['with a message that follows on itself', { version: 2, parents: [-1, 1], end: 1 }],
    ['with too few parents', { version: 2, parents: [-1], end: 1 }],
    ['with an end that is not there', { version: 2, parents: [-1, 0], end: 2 }],
  ])('are read from a record %s', (_what, { version, ...branches }) => {
    const record = { id: 'one', askedAt: 1, messages, asked: ACTION, unread: false, ...branches };
    const text = JSON.stringify({ version, conversations: [record] });
    const { shown } = openPage({ getItem: () => text, setItem() {} });
    expect(shown()).toEqual(['one', 'first']);
  });
});

it('keeps each message of any history once, each after its own, in and out of a record', () => {
  const step = fc.oneof(
    fc.record({ what: fc.constantFrom('append', 'beside', 'show', 'endAt'), at: fc.nat(30) }),
    fc.record({ what: fc.constant('removeEnd'), at: fc.constant(0) }),
  );
  const does: Record<string, (tree: MessageTree, id: string, message: ChatMessage) => void> = {
    append: (tree, _id, message) => tree.append(message),
    beside: (tree, id, message) => tree.appendBeside(id, message),
    show: (tree, id) => void tree.show(id),
    endAt: (tree, id) => tree.endAt(id),
    removeEnd: (tree) => {
      const { parents, end } = tree.branches();
      if (!parents.includes(end)) tree.removeEnd(); // nothing follows on it
    },
  };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const tree = new MessageTree();
      tree.append({ role: 'user', id: 'first', content: '' });
      for (const [count, { what, at }] of steps.entries()) {
        const id = tree.messages[at % (tree.messages.length || 1)]?.id ?? '';
        does[what]?.(tree, id, { role: 'user', id: `m${count}`, content: '' });
      }
      const { messages, parents, end } = tree.branches();
      expect(parents.every((parent, at) => parent < at)).toBe(true);
      expect(new Set(messages).size).toBe(messages.length);
      for (const id of messages.map((message) => message.id)) {
        tree.show(id);
        expect(tree.path.map((message) => message.id)).toContain(id);
      }
      const again = new MessageTree();
      again.prepend({ messages, parents, end });
      expect(again.branches()).toEqual({ messages, parents, end });
    }),
  );
});

describe('a name', () => {
  it('stands instead of the first question, also after a reload, until it is taken away', async () => {
    const storage = memoryStorage();
    const before = openPage(storage);
    await before.ask('one', 'first');
    before.store.rename('  My \n homework ');
    await Promise.resolve();
    const { conversations, store, frames } = openPage(storage);
    expect(conversations.getSnapshot().list).toMatchObject([{ title: 'My homework' }]);
    store.rename(' ');
    frames.draw();
    expect(conversations.getSnapshot().list).toMatchObject([{ title: 'one' }]);
  });
});

describe('a conversation that was removed', () => {
  it('can be brought back for ten seconds, with its variants, its draft and its name', async () => {
    const storage = memoryStorage();
    const { conversations, store, frames, clock, ask, answer, shown, variantsOf } = openPage(storage);
    await ask('one', 'first');
    store.regenerate();
    await answer('another');
    store.rename('Named');
    store.draft.write('typed');
    conversations.remove('one');
    await Promise.resolve();
    expect(conversations.getSnapshot()).toMatchObject({ list: [], removed: { id: 'one', title: 'Named' } });
    expect(storage.text).not.toContain('first'); // a page that closes now does not bring it back
    clock.advance(9_999);
    expect(conversations.undoRemove()).toBe('one');
    frames.draw();
    expect(conversations.getSnapshot()).toMatchObject({ list: [{ title: 'Named' }], removed: undefined });
    expect(shown()).toEqual(['one', 'another']);
    expect(variantsOf('another')).toHaveLength(2);
    expect(store.draft.getSnapshot()).toBe('typed');
    await Promise.resolve();
    expect(storage.text).toContain('another');
  });

  it('is gone after that', async () => {
    const { conversations, clock, ask, frames } = openPage();
    await ask('one', 'first');
    conversations.remove('one');
    clock.advance(10_000);
    frames.draw();
    expect(conversations.getSnapshot().removed).toBeUndefined();
    expect(conversations.undoRemove()).toBeUndefined();
    expect(conversations.getSnapshot().list).toEqual([]);
  });

  it('comes back with its answer stopped: it was, and is not taken up again', async () => {
    const { client, conversations, store, shown } = openPage();
    store.send('one', ACTION);
    client.latest.accept().say('fir');
    conversations.remove('one');
    expect(client.latest.phase).toBe('stopping');
    conversations.undoRemove();
    expect(shown()).toEqual(['one', 'fir']);
    expect(store.getSnapshot()).toMatchObject({ isAnswering: false, status: 'cancelled' });
    expect(client.asked).toHaveLength(1);
    expect(store.continueAnswer('Go on.', ACTION)).toBe(true);
  });

  it.each([
    ['another is removed', (page: ReturnType<typeof openPage>) => page.conversations.remove('two')],
    ['all is cleared', (page: ReturnType<typeof openPage>) => page.conversations.clear()],
    ['its user leaves', (page: ReturnType<typeof openPage>) => page.client.signIn('bob')],
    ['the page goes', (page: ReturnType<typeof openPage>) => page.conversations.close()],
  ])('does not come back where %s', async (_what, happen) => {
    const page = openPage();
    await page.ask('one', 'first');
    page.conversations.remove('one');
    happen(page);
    expect(page.conversations.undoRemove()).toBeUndefined();
  });
});

describe('the answers of a conversation that is removed', () => {
  /** Two answers, one of them a variant, and removed. */
  const removed = async (storage?: ConversationStorage) => {
    const page = openPage(storage);
    await page.ask('one', 'first');
    page.store.regenerate();
    await page.answer('another');
    page.conversations.remove('one');
    await settled();
    return page;
  };
  const IDS = ['stream-1', 'stream-2'];

  it('are erased by the relay once it cannot be brought back, and not while it can', async () => {
    const storage = memoryStorage();
    const { client, clock, conversations } = await removed(storage);
    clock.advance(9_999);
    await settled();
    expect(client.forgotten).toEqual([]);
    conversations.undoRemove();
    clock.advance(60_000);
    await settled();
    expect(client.forgotten).toEqual([]);
    conversations.remove('one');
    clock.advance(10_000);
    await settled();
    expect(client.forgotten).toEqual(IDS);
    expect(storage.text).not.toContain('stream-');
  });

  it('are erased by the next page where this one was closed before, or found no relay; by nobody where none are kept', async () => {
    const storage = memoryStorage();
    await removed(storage); // and gone without a word
    expect(storage.text).not.toContain('another');
    const second = new FakeClient();
    second.forgetFails = failure('unreachable', true);
    new Conversations({ client: second, clock: new ManualClock(), frames: manualFrames(), storage }).open();
    await settled();
    expect(storage.text).toContain('stream-2');
    const third = openPage(storage);
    await settled();
    expect(third.client.forgotten).toEqual(IDS);
    expect(storage.text).not.toContain('stream-');

    const page = await removed();
    page.client.keepsAnswers = false;
    page.conversations.close();
    await settled();
    expect(page.client.forgotten).toEqual([]);
  });

  it("of a user who leaves are that user's to erase", async () => {
    const page = await removed();
    page.client.signIn('bob');
    page.clock.advance(60_000);
    await settled();
    expect(page.client.forgotten).toEqual([]);
  });
});

describe('a search', () => {
  const find = async (query: string) => {
    const { conversations, client, frames, clock } = openPage();
    for (const [id, question, text] of [
      ['a', 'Élève et école', 'Ça va'],
      ['b', 'Photosynthesis', 'Plants make SUGAR of light'],
      ['c', 'ما هو الكَسْر؟', 'جزء'],
    ] as const) {
      clock.advance(1000);
      conversations.get(id).send(question, ACTION);
      await client.latest.accept().say(text).end();
    }
    frames.draw();
    return conversations.search(query).map(({ id }) => id);
  };
  it.each([
    ['eleve', ['a']],
    ['ECOLE', ['a']],
    ['ca va', ['a']],
    ['photo sugar', ['b']],
    ['sugar salt', []],
    ['الكسر', ['c']],
    ['', ['c', 'b', 'a']],
    ['  ', ['c', 'b', 'a']],
  ])('for “%s” finds by title and text, whatever the case and the accents', async (query, found) => {
    expect(await find(query)).toEqual(found);
  });

  it.each([
    ['photo', undefined], // its title says it
    ['photo sugar', 'Plants make SUGAR of light.'],
    ['lumiere', '…longs mots, et de la lumière qui fait pousser toute la forêt jusque dans les vallées les…'],
    ['chlorophyll', undefined],
  ])('for “%s” says where it stands, as plain words', async (query, excerpt) => {
    const { conversations, ask } = openPage();
    await ask('Photosynthesis', '## Plants make **SUGAR** of `light`.');
    const rest = 'jusque dans les vallées les plus lointaines de ce vieux pays';
    await ask(
      'En français?',
      `Il y a *toujours* de très longs mots, et de la lumière\nqui fait pousser toute la forêt ${rest}.`,
    );
    expect(conversations.excerpt('one', query)).toBe(excerpt);
  });

  it('finds what stands in a variant that is not shown, and what was renamed by its name', async () => {
    const { conversations, store, ask, answer } = openPage();
    await ask('one', 'apples');
    store.regenerate();
    await answer('pears');
    store.rename('Fruit');
    expect(['apples', 'pears', 'fruit', 'plums'].map((query) => conversations.search(query).length)).toEqual([
      1, 1, 1, 0,
    ]);
  });
});

it('is exported as Markdown: what was typed as it was typed, what was answered as it was written', async () => {
  const { conversations, store, ask } = openPage();
  await ask('Why *this*?\n\n- 1. and_that', '## So\n\n**Because**  \n');
  store.rename('Homework: "a/b" …');
  const { name, text } = conversations.export('one', { you: 'You', assistant: 'Dash' });
  expect(name).toBe('Homework a b.md');
  expect(text).toBe(
    '# Homework: "a/b" …\n\n**You:**\n\n> Why \\*this\\*?\n>\n> \\- 1. and\\_that\n\n**Dash:**\n\n## So\n\n**Because**\n',
  );
});
