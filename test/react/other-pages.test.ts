/** The conversations of one user in two tabs of a browser, which share a storage: what either does is in both, and nothing is lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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

  view(): ConversationStorage {
    const tab: Tab = { text: this.text, written: 0, changed: () => {} };
    this.#tabs.add(tab);
    return {
      getItem: () => tab.text,
      setItem: (_key, value) => {
        if (value === tab.text) return;
        tab.text = value;
        tab.written += 1;
        queueMicrotask(() => this.#spread(tab, value));
      },
      subscribe: (_key, changed) => {
        tab.changed = changed;
        return () => this.#tabs.delete(tab);
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
      page: fc.nat(1),
      talk: fc.constantFrom('a', 'b', 'c'),
      act: fc.constantFrom(...(Object.keys(ACTS) as (keyof typeof ACTS)[])),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { client, one, other, reopened } = two();
        const said = new Map<string, string>(); // words, and in which conversation
        for (const [at, step] of steps.entries())
          await act(step.page === 0 ? one : other, client, said, `words ${at}.`, step);
        await rested(one, other);
        const pages = [one, other, reopened()];
        const ids = pages.map((page) => page.ids());
        expect(ids).toEqual(ids.map(() => ids[0]));
        for (const words of said.keys())
          expect(pages.map(({ conversations }) => conversations.search(words).length > 0)).toEqual([
            true,
            true,
            true,
          ]);
      }),
      { numRuns: 100 },
    );
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
