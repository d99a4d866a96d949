/** The conversations of one user in two tabs of a browser, which share a storage: what either does is in both, and nothing is lost. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { ConversationStore } from '../../src/react/store/conversation-store.ts';
import { Conversations } from '../../src/react/store/conversations.ts';
import type { ConversationStorage } from '../../src/react/store/shared-text.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { FakeClient, type FakeStream } from './fake-client.ts';
import { manualFrames } from './manual-frames.ts';

const ACTION = { action: 'chat' };

/**
 * As Chromium has it: each tab reads a copy of its own. What one writes reaches the others later, with an event; where two write at
 * once all have what came last in the end, and whoever wrote it sees the other text in the event alone.
 */
class SharedStorage {
  readonly #tabs = new Set<Tab>();
  text: string | null = null;
  writes = 0;
  /** Texts that are longer do not go in. */
  room = Infinity;

  view(): ConversationStorage {
    const tab: Tab = { text: this.text, written: 0, changed: () => {} };
    this.#tabs.add(tab);
    return {
      getItem: () => tab.text,
      setItem: (_key, value) => {
        if (value === tab.text) return;
        if (value.length > this.room) throw new Error('QuotaExceededError');
        this.writes += 1;
        tab.text = value;
        tab.written += 1;
        queueMicrotask(() => this.#spread(tab, value));
      },
      subscribe: (_key, changed) => {
        tab.changed = changed;
        return () => {
          tab.changed = () => {};
        };
      },
    };
  }

  #spread(from: Tab, value: string): void {
    this.text = value;
    from.written -= 1;
    for (const tab of this.#tabs)
      if (tab !== from)
        queueMicrotask(() => {
          if (tab.written === 0) tab.text = value;
          tab.changed(value);
        });
  }
}

interface Tab {
  text: string | null;
  /** How many of its own texts are on their way. */
  written: number;
  changed(text: string): void;
}

const settled = async (): Promise<void> => {
  for (let turns = 0; turns < 20; turns += 1) await Promise.resolve();
};

/** Until neither has anything to write. */
async function rested(...pages: readonly Page[]): Promise<void> {
  for (let rounds = 0; rounds < 3; rounds += 1)
    for (const { clock } of pages) {
      clock.advance(500);
      await settled();
    }
}

function openPages(count: number, client = new FakeClient(), storage = new SharedStorage()) {
  const pages = Array.from({ length: count }, () => {
    const clock = new ManualClock();
    const frames = manualFrames();
    const conversations = new Conversations({ client, frames, storage: storage.view(), clock });
    conversations.open();
    const said = (id: string): string[] => {
      frames.draw();
      return conversations
        .get(id)
        .getSnapshot()
        .messages.map(({ content }) => content);
    };
    const titles = (): string[] => {
      frames.draw();
      const { list } = conversations.getSnapshot();
      return list.map(({ title }) => title).sort();
    };
    const ids = (): string[] => {
      frames.draw();
      return conversations
        .getSnapshot()
        .list.map(({ id }) => id)
        .sort();
    };
    return { clock, frames, conversations, said, titles, ids };
  });
  return { client, storage, pages } as const;
}

type Page = ReturnType<typeof openPages>['pages'][number];

function two() {
  const { client, storage, pages } = openPages(2);
  const [one, other] = pages as [Page, Page];
  const reopened = (): Page => openPages(1, client, storage).pages[0] as Page;
  const answered = async (page: Page, id: string, question: string, words: string): Promise<FakeStream> => {
    page.conversations.get(id).send(question, ACTION);
    const stream = client.latest.accept();
    await settled();
    await stream.say(words).end();
    await settled();
    return stream;
  };
  return { client, storage, one, other, reopened, answered };
}

describe('two tabs', () => {
  it('show each other’s answers as they grow, which the model is asked for once', async () => {
    const { client, one, other, reopened } = two();
    one.conversations.get('talk').send('Why?', ACTION);
    await settled();
    expect(other.said('talk')).toEqual(['Why?', '']); // not known yet to the relay: nobody else may read it
    expect(client.asked).toHaveLength(1);
    const asked = client.latest.accept('epoch-1').say('Be');
    await settled();
    one.clock.advance(500);
    await settled();
    expect(client.asked).toHaveLength(2);
    const read = client.latest;
    expect([read.id, read.position.epoch, read.request]).toEqual([asked.id, 'epoch-1', undefined]);
    await asked.say('cause').end();
    await settled();
    expect(read.phase).toBe('detached'); // the other has read it to its end
    expect(other.said('talk')).toEqual(['Why?', 'Because']);
    expect(one.said('talk')).toEqual(['Why?', 'Because']);
    const again = reopened();
    expect(again.said('talk')).toEqual(['Why?', 'Because']);
    expect(again.conversations.getSnapshot().list[0]).toMatchObject({ status: 'done' });
  });

  it('keep what both ask at once: in two conversations, and in one as variants', async () => {
    const { one, other, reopened, answered } = two();
    await answered(one, 'talk', 'First?', 'Yes.');
    one.conversations.get('talk').send('More of this', ACTION);
    other.conversations.get('talk').send('More of that', ACTION);
    other.conversations.get('second').send('Something else', ACTION);
    await rested(one, other);
    for (const page of [one, other, reopened()]) {
      expect(page.titles()).toEqual(['First?', 'Something else']);
      const { variants, messages } = page.conversations.get('talk').getSnapshot();
      expect(variants[messages[2]?.id ?? '']).toHaveLength(2);
    }
    expect(one.said('talk')[2]).toBe('More of this');
    expect(other.said('talk')[2]).toBe('More of that');
  });

  it('follow an edited question and an answer given again, unless something else was asked here', async () => {
    const { one, other, answered } = two();
    await answered(one, 'talk', 'Firts?', 'What?');
    const question = one.conversations.get('talk').getSnapshot().messages[0]?.id ?? '';
    one.conversations.get('talk').edit(question, 'First?', ACTION);
    await settled();
    expect(other.said('talk')[0]).toBe('First?');
    expect(other.conversations.get('talk').getSnapshot().variants).toEqual(
      one.conversations.get('talk').getSnapshot().variants,
    );
  });

  it('lose an answer without words where its question is asked again', async () => {
    const { client, one, other } = two();
    one.conversations.get('talk').send('Why?', ACTION);
    await client.latest.fail('unreachable', true);
    await settled();
    expect(other.conversations.get('talk').summary().status).toBe('failed');
    one.conversations.get('talk').regenerate();
    await settled();
    expect(other.said('talk')).toEqual(['Why?', '']);
    expect(other.conversations.get('talk').getSnapshot()).toMatchObject({
      variants: {},
      status: 'connecting',
    });
  });

  it('delete, bring back, rename and read for each other', async () => {
    const { one, other, reopened, answered } = two();
    await answered(one, 'talk', 'First?', 'Yes.');
    await answered(one, 'second', 'Another?', 'No.');
    expect(other.conversations.getSnapshot().unreadCount).toBe(2);
    one.conversations.view('talk')();
    await settled();
    other.conversations.get('second').rename('Named');
    await rested(one, other);
    expect(one.titles()).toEqual(['First?', 'Named']);
    expect(other.conversations.getSnapshot().unreadCount).toBe(1);
    other.conversations.remove('talk');
    await settled();
    one.conversations.get('second').rename('Named again'); // writes all that it has
    await settled();
    for (const page of [one, other, reopened()]) expect(page.titles()).toEqual(['Named again']);
    other.conversations.undoRemove();
    await rested(one, other);
    for (const page of [one, other, reopened()]) expect(page.titles()).toEqual(['First?', 'Named again']);
  });

  it('do not lose a question that was asked where the other deleted', async () => {
    const { one, other, answered } = two();
    await answered(one, 'talk', 'First?', 'Yes.');
    one.conversations.remove('talk');
    other.clock.advance(1000);
    other.conversations.get('talk').send('And more?', ACTION); // before it has heard of it
    await settled();
    expect(one.said('talk')).toContain('And more?');
    expect(other.said('talk')).toEqual(['First?', 'Yes.', 'And more?', '']);
  });

  it('are both empty once one signs out, and what was typed in either is kept', async () => {
    const { storage, one, other, answered } = two();
    other.conversations.get('unasked').draft.write('What if');
    other.clock.advance(500);
    await answered(one, 'talk', 'First?', 'Yes.');
    expect(storage.text).toContain('What if');
    expect(one.conversations.begin()).not.toBe('unasked');
    one.conversations.clear();
    await settled();
    expect(other.titles()).toEqual([]);
    expect(storage.text).not.toContain('First?');
  });

  it('end with the same conversations whatever they do in whatever order', async () => {
    const step = fc.record({
      page: fc.nat(2),
      talk: fc.constantFrom('a', 'b', 'c'),
      act: fc.constantFrom(...(Object.keys(ACTS) as (keyof typeof ACTS)[])),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { client, storage, pages: tabs } = openPages(3);
        const said = new Map<string, string>(); // words, and in which conversation
        for (const [at, step] of steps.entries())
          await act(tabs[step.page] as Page, client, said, `words ${at}.`, step);
        await rested(...tabs);
        const pages = [...tabs, ...openPages(1, client, storage).pages];
        const ids = pages.map((page) => page.ids());
        expect(ids).toEqual(ids.map(() => ids[0]));
        for (const words of said.keys())
          expect(pages.map(({ conversations }) => conversations.search(words).length)).toEqual([1, 1, 1, 1]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('tabs that share a storage', () => {
  it('rest where they have more conversations than are kept, and still delete for each other', async () => {
    const { storage, one, other, answered } = two();
    for (let at = 0; at < 52; at += 1) {
      one.clock.advance(1000);
      other.clock.advance(1000);
      await answered(one, `talk-${at}`, `Question ${at}?`, 'Yes.');
    }
    await rested(one, other);
    const { writes } = storage;
    await rested(one, other);
    expect(storage.writes).toBe(writes);
    one.conversations.remove('talk-51');
    await rested(one, other);
    expect(other.ids()).not.toContain('talk-51');
    expect(other.ids()).toContain('talk-50');
  });

  it('lose nothing of a tab that cannot write, and delete there as well', async () => {
    const { storage, one, other, answered } = two();
    await answered(one, 'talk', 'First?', 'Yes.');
    await answered(one, 'second', 'Another?', 'No.');
    storage.room = storage.text?.length ?? 0;
    await answered(one, 'third', 'Too much?', 'Yes, it is.');
    other.conversations.remove('talk');
    await rested(one, other);
    expect(one.titles()).toEqual(['Another?', 'Too much?']);
    storage.room = Infinity;
    one.conversations.get('third').rename('Room again');
    await rested(one, other);
    expect(other.titles()).toEqual(['Another?', 'Room again']);
  });

  it('keep nothing of who signs out while another tab writes, nor what was typed there', async () => {
    const { client, storage, one, other, reopened, answered } = two();
    await answered(one, 'talk', 'First?', 'Yes.');
    other.conversations.get('unasked').draft.write('What if');
    await rested(one, other);
    other.conversations.get('talk').send('And more?', ACTION);
    const asked = client.latest.accept('epoch-1').say('So');
    await settled();
    asked.say(' it');
    one.conversations.clear();
    one.conversations.close(); // it can say nothing more
    other.clock.advance(500); // at once, before it hears of it
    await settled();
    await rested(other);
    expect(other.titles()).toEqual([]);
    expect(asked.phase).toBe('stopping');
    for (const words of ['First?', 'What if', 'more', 'So']) expect(storage.text).not.toContain(words);
    expect(reopened().titles()).toEqual([]);
    await answered(other, 'next', 'Anew?', 'Yes.');
    expect(reopened().titles()).toEqual(['Anew?']);
  });

  it('follow a tab that was opened long after many others', async () => {
    const { one, other, client, storage, answered } = two();
    await answered(one, 'talk', 'First?', 'Yes.');
    for (let at = 0; at < 25; at += 1) await answered(one, `talk-${at}`, `Question ${at}?`, 'No.');
    for (let at = 0; at < 25; at += 1) {
      for (const { clock } of [one, other]) clock.advance(1000);
      const page = openPages(1, client, storage).pages[0] as Page;
      page.clock.advance(one.clock.elapsed());
      page.conversations.remove(`talk-${at}`);
      page.conversations.close();
      await settled();
    }
    await rested(one, other);
    expect(one.titles()).toEqual(['First?']);
  });

  it('have the relay erase what was deleted once, and nothing of what was brought back', async () => {
    const { client, storage, one, other, reopened, answered } = two();
    const asked = await answered(one, 'talk', 'First?', 'Yes.');
    await answered(one, 'second', 'Another?', 'No.');
    one.conversations.remove('talk');
    await settled();
    other.conversations.get('second').rename('Named');
    await settled();
    one.conversations.undoRemove();
    await rested(one, other);
    reopened();
    await settled();
    expect(client.forgotten).toEqual([]);
    one.conversations.remove('talk');
    await settled();
    other.conversations.get('second').rename('Named again');
    await settled();
    one.clock.advance(10_000);
    await rested(one, other);
    expect(client.forgotten).toEqual([asked.id]);
    expect(storage.text).not.toContain(asked.id);
  });

  it('are not written to by a page that was closed, which sees what was done since when it is opened again', async () => {
    const { storage, one, other, answered } = two();
    await answered(one, 'talk', 'First?', 'Yes.');
    await answered(one, 'second', 'Another?', 'No.');
    one.conversations.close();
    await settled();
    other.conversations.remove('talk');
    await settled();
    const { writes } = storage;
    one.clock.advance(5000);
    await settled();
    expect(storage.writes).toBe(writes);
    one.conversations.open();
    await rested(one, other);
    for (const page of [one, other]) expect(page.titles()).toEqual(['Another?']);
  });

  it('let a question go that was asked by a tab that is gone', async () => {
    const { one, other, answered } = two();
    one.conversations.get('talk').send('Why?', ACTION);
    await settled();
    one.conversations.close();
    const store = other.conversations.get('talk');
    expect([store.summary().status, store.send('Anybody?', ACTION)]).toEqual(['connecting', false]);
    store.stop();
    expect(store.summary().status).toBe('failed');
    await answered(other, 'talk', 'Anybody?', 'Yes.');
    expect(other.said('talk')).toEqual(['Why?', '', 'Anybody?', 'Yes.']);
  });

  it('look again once the browser brings them back', async () => {
    const { storage, one, answered } = two();
    await answered(one, 'talk', 'First?', 'Yes.');
    const window = new EventTarget();
    class Storage {
      getItem = (): string | null => storage.text;
      setItem(): void {}
    }
    vi.stubGlobal('Storage', Storage);
    vi.stubGlobal('addEventListener', window.addEventListener.bind(window));
    vi.stubGlobal('removeEventListener', window.removeEventListener.bind(window));
    const frames = manualFrames();
    const cached = new Conversations({ client: new FakeClient(), frames, storage: new Storage() });
    cached.open();
    one.conversations.clear();
    await settled();
    expect(cached.getSnapshot().list).toHaveLength(1);
    window.dispatchEvent(new Event('pageshow'));
    frames.draw();
    expect(cached.getSnapshot().list).toEqual([]);
    cached.close();
    vi.unstubAllGlobals();
  });

  it('show a user nothing of another one, whose storage is read late', async () => {
    const listening = new Map<string, (text: string) => void>();
    const client = new FakeClient();
    const conversations = new Conversations({
      client,
      frames: manualFrames(),
      storage: {
        getItem: async () => null,
        setItem: () => {},
        subscribe: (key, changed) => {
          listening.set(key, changed);
          return () => listening.delete(key);
        },
      },
    });
    conversations.open();
    client.signIn('user-2'); // before what was kept for the other is there
    await settled();
    expect([...listening.keys()]).toEqual(['dash-relay.user-2']);
    conversations.close();
    expect(listening.size).toBe(0);
  });

  it('take nothing from a text that says wrong things, or is of a version that names no page', async () => {
    const { storage, one, other, answered } = two();
    await answered(one, 'talk', 'First?', 'Yes.');
    const older = storage.view();
    for (const text of [
      '{"version":2,"conversations":[]}',
      '{"version":99,"conversations":[],"page":"x"}',
      '{"version":2,"conversations":[],"page":"x","knows":null}',
      '{"version":2,"conversations":[],"page":"x","knows":"y"}',
      '{"version":2,"conversations":[],"page":"x","knows":{"y":"z"},"cleared":"q"}',
    ]) {
      older.setItem('', text);
      await rested(one, other);
      const page = openPages(1, undefined, storage).pages[0] as Page;
      for (const each of [one, other, page]) expect(each.titles()).toEqual(['First?']);
      page.conversations.close();
      const blank = new SharedStorage();
      blank.text = text;
      expect(openPages(1, undefined, blank).pages[0]?.conversations.getSnapshot().isRestored).toBe(true);
    }
  });
});

interface Step {
  readonly talk: string;
  readonly act: keyof typeof ACTS;
}

async function act(
  { conversations, clock }: Page,
  client: FakeClient,
  said: Map<string, string>,
  words: string,
  { talk, act }: Step,
): Promise<void> {
  clock.advance(1);
  if (await ACTS[act](conversations.get(talk), client, words)) said.set(words, talk);
  if (act !== 'remove') return;
  conversations.remove(talk);
  for (const [each, where] of said) if (where === talk) said.delete(each);
}

/** What a person does, and the relay; true where the words were said. */
const ACTS = {
  ask: (store: ConversationStore, _client: FakeClient, words: string) => store.send(words, ACTION),
  edit: (store: ConversationStore, _client: FakeClient, words: string) => {
    const last = store.getSnapshot().messages.findLast(({ role }) => role === 'user');
    return last !== undefined && store.edit(last.id, words, ACTION);
  },
  again: (store: ConversationStore) => store.regenerate() && false,
  rename: (store: ConversationStore, _client: FakeClient, words: string) => {
    if (store.summary().askedAt > 0) store.rename(words);
    return false;
  },
  accept: (_store: ConversationStore, client: FakeClient) => {
    const [open] = client.asked.filter(({ phase }) => phase === 'connecting');
    open?.accept();
    return false;
  },
  end: async (_store: ConversationStore, client: FakeClient, words: string) => {
    const [open] = client.asked.filter(({ phase }) => ['thinking', 'streaming'].includes(phase));
    await open?.say(`So ${words}`).end();
    return false;
  },
  remove: () => false,
  hear: async () => {
    await settled();
    return false;
  },
};
