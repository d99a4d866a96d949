import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Conversations } from '../../src/react/store/conversations.ts';
import type { ConversationStorage } from '../../src/react/store/shared-text.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { FakeClient } from './fake-client.ts';
import { manualFrames } from './manual-frames.ts';

const ACTION = { action: 'chat' };
/** Not the one that `instanceof Promise` knows. */
const ForeignPromise = runInNewContext('Promise') as PromiseConstructor;

function memoryStorage(): ConversationStorage & { text: string | null; writes: number } {
  return {
    text: null,
    writes: 0,
    getItem() {
      return this.text;
    },
    setItem(_key, value) {
      this.text = value;
      this.writes += 1;
    },
  };
}

function openPage(storage: ConversationStorage) {
  const client = new FakeClient();
  const clock = new ManualClock();
  const frames = manualFrames();
  const conversations = new Conversations({ client, frames, storage, clock });
  conversations.open();
  return { client, clock, frames, conversations };
}

describe('a page that is reloaded', () => {
  it('takes its answers up where they stood, with the text it had', async () => {
    const storage = memoryStorage();
    const before = openPage(storage);
    before.conversations.view('one');
    before.conversations.get('one').send('Hello', ACTION);
    before.client.latest.accept('epoch-1').say('Once ', 'upon ');
    await Promise.resolve();
    before.clock.advance(500);
    await Promise.resolve();
    before.client.latest.say('a '); // never written

    const after = openPage(storage);
    expect(after.client.latest.position).toEqual({ id: 'stream-1', epoch: 'epoch-1', after: 2 });
    expect(after.client.latest.content).toBe('Once upon ');
    await after.client.latest.say('a ', 'time').end();
    after.frames.draw();
    const store = after.conversations.get('one');
    expect(store.getSnapshot().messages.map(({ content }) => content)).toEqual(['Hello', 'Once upon a time']);
    expect(after.conversations.getSnapshot()).toMatchObject({ viewed: 'one', isRestored: true });
    store.regenerate();
    expect(after.client.latest.request).toMatchObject(ACTION);
  });

  it('does not ask a second time where the relay had not answered yet', () => {
    const storage = memoryStorage();
    openPage(storage).conversations.get('one').send('Hello', ACTION);
    const { client, conversations, frames } = openPage(storage);
    frames.draw();
    expect(client.asked).toEqual([]);
    expect(conversations.get('one').getSnapshot().messages[1]).toMatchObject({
      status: 'failed',
      error: { code: 'interrupted', retryable: true },
    });
  });

  it('shows what had ended', async () => {
    const storage = memoryStorage();
    const before = openPage(storage);
    before.conversations.get('one').send('Hello', ACTION);
    await before.client.latest.accept().say('Hi').end();
    await Promise.resolve();
    const { client, conversations } = openPage(storage);
    expect(client.asked).toEqual([]);
    const [summary] = conversations.getSnapshot().list;
    expect(summary).toMatchObject({ title: 'Hello', status: 'done', unread: true });
  });

  it('waits for a storage that answers later', async () => {
    const kept = memoryStorage();
    const before = openPage(kept);
    before.conversations.get('one').send('Hello', ACTION);
    await Promise.resolve();
    const { conversations } = openPage({
      getItem: async () => kept.text,
      setItem: async () => {},
    });
    conversations.get('two').send('Meanwhile', ACTION);
    expect(conversations.getSnapshot()).toMatchObject({ isRestored: false });
    await Promise.resolve();
    await Promise.resolve();
    expect(conversations.getSnapshot().isRestored).toBe(true);
    expect(
      conversations
        .getSnapshot()
        .list.map(({ title }) => title)
        .sort(),
    ).toEqual(['Hello', 'Meanwhile']);
  });
});

describe('a storage', () => {
  it('is written at changes of state, and seldom while text arrives', async () => {
    const storage = memoryStorage();
    const { client, clock, conversations } = openPage(storage);
    conversations.get('one').send('Hello', ACTION);
    await Promise.resolve();
    client.latest.accept().say('a');
    await Promise.resolve();
    const before = storage.writes;
    for (let i = 0; i < 100; i += 1) {
      client.latest.say('x');
      clock.advance(10);
      await Promise.resolve();
    }
    expect(storage.writes - before).toBe(2);
  });

  it.each([
    ['nothing', null],
    ['no JSON', '{'],
    ['another version', '{"version":99,"conversations":[]}'],
    ['no list', '{"version":1,"conversations":{}}'],
    [
      'records of another shape',
      '{"version":1,"conversations":[null,{"id":"x"},{"id":"y","askedAt":1,"messages":[{}]}]}',
    ],
  ])('may hold %s', (_what, text) => {
    const { conversations } = openPage({ getItem: () => text, setItem() {} });
    expect(conversations.getSnapshot()).toMatchObject({ list: [], isRestored: true });
  });

  it.each([
    ['an answer under way at no position', { status: 'streaming' }, undefined],
    [
      'an answer under way at a position of another shape',
      { status: 'streaming' },
      { id: 5, epoch: {}, after: 'x' },
    ],
    ['an answer of an unknown state', { status: 'dreaming' }, undefined],
    [
      'a position behind an answer that has ended',
      { status: 'done' },
      { id: 'x', epoch: 'epoch-1', after: 3 },
    ],
  ])('may hold %s: the conversation goes on', (_what, state, position) => {
    const messages = [
      { role: 'user', id: 'q', content: 'Hello' },
      { role: 'assistant', id: 'a', content: 'Hi', ...state },
    ];
    const record = { id: 'one', askedAt: 1, messages, position, asked: ACTION, unread: false };
    const text = JSON.stringify({ version: 1, conversations: [record] });
    const { client, conversations } = openPage({ getItem: () => text, setItem() {} });
    expect(client.asked).toEqual([]);
    expect(conversations.get('one').send('And now?', ACTION)).toBe(true);
    expect(client.asked).toHaveLength(1);
  });

  it('may refuse', () => {
    const refuse = (): never => {
      throw new Error('SecurityError');
    };
    const { client, conversations } = openPage({ getItem: refuse, setItem: refuse });
    expect(conversations.get('one').send('Hello', ACTION)).toBe(true);
    expect(client.asked).toHaveLength(1);
  });

  it('holds nothing more once all is cleared', async () => {
    const storage = memoryStorage();
    const { conversations } = openPage(storage);
    conversations.get('one').send('A secret', ACTION);
    await Promise.resolve();
    expect(storage.text).toContain('A secret');
    conversations.clear();
    await Promise.resolve();
    expect(storage.text).not.toContain('A secret');
  });
});

describe('what is typed and not sent', () => {
  it('is there again in its conversation, on this page and on the next', async () => {
    const storage = memoryStorage();
    const { client, clock, conversations, frames } = openPage(storage);
    conversations.view('one');
    conversations.get('one').send('Hello', ACTION);
    await client.latest.accept().say('Hi').end();
    frames.draw();
    conversations.get('one').draft.write('And then');
    conversations.get('two').draft.write('Something else');
    expect(conversations.get('one').draft.getSnapshot()).toBe('And then');
    expect(conversations.begin()).toBe('two'); // the one that is begun already
    expect(conversations.getSnapshot().list.map(({ id }) => id)).toEqual(['one']);
    clock.advance(500);
    await Promise.resolve();
    const after = openPage(storage).conversations;
    expect(after.get('one').draft.getSnapshot()).toBe('And then');
    expect(after.get(after.begin()).draft.getSnapshot()).toBe('Something else');
    expect(after.getSnapshot().viewed).toBe('one');
  });

  it('changes nothing but itself', () => {
    const { frames, conversations } = openPage(memoryStorage());
    const store = conversations.get('one');
    const [snapshot, list] = [store.getSnapshot(), conversations.getSnapshot()];
    store.draft.write('a');
    frames.draw();
    expect([store.getSnapshot(), conversations.getSnapshot()]).toEqual([snapshot, list]);
  });

  it('goes with its conversation', async () => {
    const storage = memoryStorage();
    const { conversations } = openPage(storage);
    conversations.get('one').draft.write('A secret');
    conversations.clear();
    await Promise.resolve();
    await Promise.resolve();
    expect(conversations.get('one').draft.getSnapshot()).toBe('');
    expect(storage.text).not.toContain('A secret');
  });
});

describe('a storage that answers late', () => {
  /** What an earlier page left: one is looked at, with something typed; two is older. */
  const late = (isForeign = false) => {
    const kept = memoryStorage();
    const before = openPage(kept);
    before.clock.advance(10);
    for (const id of ['two', 'one']) before.conversations.get(id).send(`In ${id}`, ACTION);
    before.conversations.view('one');
    before.conversations.get('one').draft.write('typed before');
    before.conversations.close();
    const { promise, resolve, reject } = Promise.withResolvers<string | null>();
    const written: string[] = [];
    const answers = [
      isForeign ? new ForeignPromise<string | null>((use) => void promise.then(use)) : promise,
    ];
    const page = openPage({
      getItem: () => answers.shift() ?? kept.getItem(''),
      setItem: (_key, value) => void written.push(value),
    });
    page.conversations.view('fresh');
    const settled = async () => {
      await new Promise((done) => setImmediate(done));
      page.frames.draw();
      return page.conversations.getSnapshot();
    };
    const arrives = async () => {
      await new Promise((done) => setImmediate(done)); // the writes of the earlier page
      resolve(kept.text);
      return settled();
    };
    const fails = () => {
      reject(new Error('busy'));
      return settled();
    };
    return { ...page, arrives, fails, written, settled };
  };

  it.each([false, true])(
    'turns to the conversation that was looked at (a promise of another kind: %s)',
    async (isForeign) => {
      const { conversations, arrives } = late(isForeign);
      expect(conversations.getSnapshot().isRestored).toBe(false);
      expect(await arrives()).toMatchObject({ viewed: 'one', isRestored: true });
      expect(conversations.get('one').draft.getSnapshot()).toBe('typed before');
    },
  );

  it('takes along what was typed before it answers', async () => {
    const { conversations, arrives, written } = late();
    conversations.get('fresh').draft.write('typed meanwhile');
    expect((await arrives()).viewed).toBe('one');
    expect(conversations.get('one').draft.getSnapshot()).toBe('typed before\ntyped meanwhile');
    expect(conversations.get('fresh').draft.getSnapshot()).toBe('');
    expect(written.at(-1)).toContain('typed before\\ntyped meanwhile');
  });

  it('stays where something was asked before it answers, and keeps that', async () => {
    const { client, conversations, arrives, written } = late();
    conversations.get('fresh').send('Asked meanwhile', ACTION);
    await client.latest.accept().say('Answered').end();
    const { viewed, list } = await arrives();
    expect(viewed).toBe('fresh');
    expect(list.map(({ id }) => id).sort()).toEqual(['fresh', 'one', 'two']);
    expect(written.at(-1)).toContain('Asked meanwhile');
    expect(written.at(-1)).toContain('In two');
  });

  it('puts what was said earlier before what was asked in the same conversation meanwhile', async () => {
    const { client, conversations, arrives, settled, written } = late();
    conversations.get('one').send('Asked meanwhile', ACTION);
    client.latest.accept().say('Answered');
    await arrives();
    await client.latest.end();
    await settled();
    const { messages, title } = conversations.get('one').getSnapshot();
    expect(messages.map(({ content }) => content)).toEqual(['In one', '', 'Asked meanwhile', 'Answered']);
    expect(messages[1]).toMatchObject({ status: 'failed', error: { code: 'interrupted' } });
    expect(title).toBe('In one');
    expect(written.at(-1)).toMatch(/In one.*Asked meanwhile.*Answered/);
  });

  it('stays with what a person has chosen meanwhile', async () => {
    const { conversations, arrives } = late();
    conversations.choose('another');
    conversations.get('another').draft.write('new');
    expect((await arrives()).viewed).toBe('another');
    expect(conversations.get('another').draft.getSnapshot()).toBe('new');
    expect(conversations.get('one').draft.getSnapshot()).toBe('typed before');
  });

  it('is read again where it failed, and not written over before', async () => {
    const { clock, conversations, fails, settled, written } = late();
    conversations.get('fresh').send('Asked meanwhile', ACTION);
    expect((await fails()).isRestored).toBe(false);
    expect(written).toEqual([]);
    clock.advance(500);
    const { isRestored, list } = await settled();
    expect(isRestored).toBe(true);
    expect(list).toHaveLength(3);
  });

  it('is given up where it goes on failing', async () => {
    let reads = 0;
    const getItem = async (): Promise<string> => {
      reads += 1;
      throw new Error('broken');
    };
    const { clock, conversations } = openPage({ getItem, setItem() {} });
    for (let i = 0; i < 20; i += 1) {
      await new Promise((done) => setImmediate(done));
      clock.advance(10_000);
    }
    expect([reads, conversations.getSnapshot().isRestored]).toEqual([4, true]);
  });

  it('is read once, and brings nothing back that was removed since', async () => {
    const { conversations, arrives, settled } = late();
    conversations.close();
    conversations.open();
    await arrives();
    conversations.remove('two');
    conversations.close();
    conversations.open();
    expect((await settled()).list.map(({ id }) => id)).toEqual(['one']);
  });
});

describe('what is forgotten while a slow storage is still being read', () => {
  const slow = async () => {
    const storage = memoryStorage();
    const before = openPage(storage).conversations;
    for (const id of ['one', 'two']) before.get(id).send(`A secret of ${id}`, ACTION);
    before.close();
    await Promise.resolve(); // one write follows the other
    const kept = storage.text ?? '';
    const { promise, resolve } = Promise.withResolvers<string>();
    const written: string[] = [];
    const page = openPage({ getItem: () => promise, setItem: (_key, value) => written.push(value) });
    return { ...page, written, arrives: () => resolve(kept) };
  };

  it('does not come back: all of it', async () => {
    const { conversations, written, arrives } = await slow();
    conversations.clear();
    arrives();
    await Promise.resolve();
    expect(conversations.getSnapshot()).toMatchObject({ list: [], isRestored: true });
    expect(written.join('')).not.toContain('A secret');
  });

  it('does not come back: one conversation', async () => {
    const { conversations, arrives } = await slow();
    conversations.remove('one');
    arrives();
    await Promise.resolve();
    expect(conversations.getSnapshot().list.map(({ id }) => id)).toEqual(['two']);
  });
});

it('a conversation that is forgotten is empty on every screen that shows it, and its answer is stopped', () => {
  const { client, conversations } = openPage(memoryStorage());
  const store = conversations.get('one');
  store.send('Hello', ACTION);
  client.latest.accept('epoch-1').say('So ');
  conversations.remove('one');
  expect(client.latest.phase).not.toBe('streaming');
  expect(store.getSnapshot()).toMatchObject({ title: '', messages: [], isAnswering: false, askedAt: 0 });
  expect(conversations.get('one')).toBe(store);
  expect(store.send('Again', ACTION)).toBe(true);
  expect(store.getSnapshot().messages[0]).toMatchObject({ content: 'Again' });
});

it('lets go of answers without stopping them, and takes them up when it is back', async () => {
  const client = new FakeClient();
  const frames = manualFrames();
  const conversations = new Conversations({ client, frames });
  conversations.open();
  const store = conversations.get('one');
  store.send('Hello', ACTION);
  client.latest.accept('epoch-7').say('So ');
  conversations.close();
  expect(client.latest.phase).toBe('detached');
  expect(store.send('More', ACTION)).toBe(false);
  conversations.open();
  expect(client.latest.position).toEqual({ id: 'stream-1', epoch: 'epoch-7', after: 1 });
  await client.latest.say('far').end();
  frames.draw();
  expect(store.getSnapshot().messages.map(({ content }) => content)).toEqual(['Hello', 'So far']);
});

describe('another user', () => {
  /** As a browser has it: by key. */
  function pageStorage() {
    const items = new Map<string, string>();
    return {
      items,
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => void items.set(key, value),
    };
  }
  function openPageOf(storage: ConversationStorage, userId: string | null | undefined) {
    const client = new FakeClient();
    client.userId = userId;
    const frames = manualFrames();
    const conversations = new Conversations({ client, frames, storage, clock: new ManualClock() });
    conversations.open();
    return { client, frames, conversations };
  }
  const textOf = (conversations: Conversations, id = 'one'): string[] =>
    conversations
      .get(id)
      .getSnapshot()
      .messages.map(({ content }) => content);
  const askedBy = async (storage: ConversationStorage, userId: string) => {
    const page = openPageOf(storage, userId);
    page.conversations.view('one');
    page.conversations.get('one').send(`A secret of ${userId}`, ACTION);
    page.client.latest.accept('epoch-1').say('So ');
    await Promise.resolve();
    return page;
  };

  it('finds nothing of the one before after a reload, who finds all of it again', async () => {
    const storage = pageStorage();
    const first = await askedBy(storage, 'alice');
    await first.client.latest.end();
    await Promise.resolve();
    const { conversations } = openPageOf(storage, 'bob');
    conversations.view('one');
    expect(conversations.getSnapshot()).toMatchObject({ list: [], isRestored: true });
    expect(textOf(conversations)).toEqual([]);
    conversations.get('one').send('Mine', ACTION);
    await Promise.resolve();
    expect(textOf(openPageOf(storage, 'alice').conversations)).toEqual(['A secret of alice', 'So ']);
    expect(textOf(openPageOf(storage, 'bob').conversations)[0]).toBe('Mine');
  });

  it('who comes while an answer is under way sees nothing of it, and it is there when the first is back', async () => {
    const storage = pageStorage();
    const { client, frames, conversations } = await askedBy(storage, 'alice');
    const left = client.latest;
    client.signIn('bob');
    expect(left.phase).toBe('detached');
    await Promise.resolve();
    frames.draw();
    expect(textOf(conversations)).toEqual([]);
    expect(conversations.getSnapshot()).toMatchObject({ list: [], viewed: undefined, departures: 1 });
    conversations.get('one').send('Mine', ACTION);
    expect(client.latest.request?.messages).toEqual([{ role: 'user', content: 'Mine' }]);
    await Promise.resolve();
    client.signIn('alice');
    frames.draw();
    expect(textOf(conversations)).toEqual(['A secret of alice', 'So ']);
    expect(client.latest.position).toMatchObject({ id: left.id, epoch: 'epoch-1' });
  });

  it('is known only by what this one asks: that is asked anew, without a word of the one before', async () => {
    const storage = pageStorage();
    const { client, frames, conversations } = await askedBy(storage, 'alice');
    await client.latest.end();
    frames.draw();
    conversations.get('one').send('Mine', ACTION);
    const unsent = client.latest;
    expect(unsent.request?.messages).toHaveLength(3);
    client.signIn('bob', { asking: unsent });
    expect(unsent.phase).toBe('detached');
    expect(client.latest.request?.messages).toEqual([{ role: 'user', content: 'Mine' }]);
    await client.latest.accept().say('For Bob').end();
    frames.draw();
    expect(textOf(conversations)).toEqual(['Mine', 'For Bob']);
    expect(conversations.getSnapshot()).toMatchObject({ viewed: 'one', list: [{ title: 'Mine' }] });
  });

  it('asks again what the one before had asked: it is not asked', async () => {
    const { client, conversations } = await askedBy(pageStorage(), 'alice');
    await client.latest.end();
    conversations.get('one').regenerate();
    const unsent = client.latest;
    client.signIn('bob', { asking: unsent });
    expect(unsent.phase).toBe('detached');
    expect(client.latest).toBe(unsent);
    expect(textOf(conversations)).toEqual([]);
  });

  it('is not known yet: nothing kept is shown until somebody is', () => {
    const storage = pageStorage();
    openPageOf(storage, 'alice').conversations.get('one').send('A secret', ACTION);
    const { client, conversations } = openPageOf(storage, undefined);
    expect(conversations.getSnapshot()).toMatchObject({ list: [], isRestored: false });
    conversations.get('two').send('Meanwhile', ACTION);
    client.signIn('alice');
    const titles = conversations.getSnapshot().list.map(({ title }) => title);
    expect(titles.sort()).toEqual(['A secret', 'Meanwhile']);
  });

  it('signs out: nothing is left of this one, also where it is kept', async () => {
    const storage = pageStorage();
    const { client, frames, conversations } = await askedBy(storage, 'alice');
    client.signOut();
    await Promise.resolve();
    frames.draw();
    expect(textOf(conversations)).toEqual([]);
    expect([...storage.items.values()].join('')).not.toContain('A secret');
    client.signIn('alice');
    expect(conversations.getSnapshot()).toMatchObject({ list: [], isRestored: true });
  });

  it('signs out while a slow storage is still being written', async () => {
    const written: string[] = [];
    let done: (() => void) | undefined;
    const storage: ConversationStorage = {
      getItem: () => null,
      setItem: (key, value) => {
        written.push(`${key} ${value}`);
        return new Promise<void>((resolve) => {
          done = resolve;
        });
      },
    };
    const { client, conversations } = await askedBy(storage, 'alice');
    client.signOut();
    client.signIn('bob');
    conversations.get('one').send('Mine', ACTION);
    for (let count = 0; count < 5; count += 1) {
      done?.();
      await Promise.resolve();
      await Promise.resolve();
    }
    const ofAlice = written.filter((text) => text.startsWith('dash-relay.alice'));
    expect(ofAlice.at(-1)).not.toContain('secret');
    expect(ofAlice.join('')).not.toContain('Mine');
    expect(written.some((text) => text.startsWith('dash-relay.bob') && text.includes('Mine'))).toBe(true);
  });

  it('comes while what was kept for the one before is still being read', async () => {
    const storage = pageStorage();
    await askedBy(storage, 'alice');
    const reading: Record<string, (text: string | null) => void> = {};
    const { client, conversations } = openPageOf(
      {
        getItem: (key) =>
          new Promise((resolve) => {
            reading[key] = resolve;
          }),
        setItem() {},
      },
      'alice',
    );
    client.signIn('bob');
    reading['dash-relay.alice']?.(storage.items.get('dash-relay.alice') ?? null);
    reading['dash-relay.bob']?.(null);
    await Promise.resolve();
    expect(conversations.getSnapshot()).toMatchObject({ list: [], isRestored: true });
  });
});
