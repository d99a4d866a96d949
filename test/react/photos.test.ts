/** Photos and PDFs of questions: what the model is told, what is sent when, and what is kept of them. */
import { describe, expect, it } from 'vitest';
import { failure } from '../../src/client/dash-error.ts';
import type { FetchRequest, FetchResponse } from '../../src/client/platform.ts';
import { modelSize } from '../../src/react/photos/model-size.ts';
import {
  type Attachment,
  attachmentsIn,
  type ChosenFile,
  UnusableFile,
} from '../../src/react/store/attachment.ts';
import type { ConversationStore } from '../../src/react/store/conversation-store.ts';
import { Conversations } from '../../src/react/store/conversations.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { FakeClient } from './fake-client.ts';
import { manualFrames } from './manual-frames.ts';

const ACTION = { action: 'chat' };

/** Takes what is sent to `/v1/uploads`, as `upload-1`, `upload-2` …, when the test lets it. */
class FakeUploads {
  readonly sent: string[] = [];
  readonly removed: string[] = [];
  /** Instead of the next answers. */
  readonly refusals: ReturnType<typeof failure>[] = [];
  gate: Promise<unknown> | undefined;

  readonly request: FakeClient['request'] = async (path, init) => {
    if (init.method === 'DELETE') this.removed.push(path.replace('/v1/uploads/', ''));
    if (init.method !== 'POST') return { response: reply({}) };
    await this.gate;
    const refusal = this.refusals.shift();
    if (refusal) return { error: refusal };
    this.sent.push(await textOf(init.body));
    const id = `upload-${this.sent.length}`;
    return { response: reply({ id, mediaType: 'image/jpeg', bytes: 1, pages: 3, expiresAt: 1 }) };
  };
}

async function textOf(body: FetchRequest['body']): Promise<string> {
  return body instanceof Blob ? body.text() : new Response(body ?? '').text();
}

function reply(answer: object): FetchResponse {
  const text = JSON.stringify(answer);
  return {
    ok: true,
    status: 201,
    headers: { get: () => null },
    text: async () => text,
    json: async () => answer,
  };
}

function photo(content: string, freed: string[] = []): ChosenFile {
  const file = new Blob([content], { type: 'image/jpeg' });
  const release = () => void freed.push(content);
  return {
    kind: 'photo',
    prepare: async () => ({ file, uri: `blob:${content}`, width: 40, height: 30, release }),
  };
}

function openPage() {
  const client = new FakeClient();
  const uploads = new FakeUploads();
  client.request = uploads.request;
  const clock = new ManualClock();
  const frames = manualFrames();
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  const open = () => {
    const conversations = new Conversations({ client, clock, frames, storage });
    conversations.open();
    return conversations;
  };
  const conversations = open();
  const store = conversations.get('one');
  /** Waits until each attached file of `of` is as wanted. */
  const settle = async (wanted = 'ready', of: ConversationStore = store) => {
    const { attachments } = conversations;
    const states = () => of.attached.getSnapshot().map(({ id }) => attachments.get(id)?.status);
    await expect.poll(() => new Set(states())).toEqual(new Set([wanted]));
  };
  const asked = async (count: number) => {
    await expect.poll(() => client.asked.length).toBe(count);
    return client.latest.request?.messages ?? [];
  };
  const answer = async (words: string) => {
    await client.latest.accept().say(words).end();
    await Promise.resolve();
    frames.draw();
  };
  const last = () => {
    frames.draw();
    return store.getSnapshot().messages.at(-1);
  };
  return {
    client,
    uploads,
    clock,
    conversations,
    store,
    open,
    settle,
    asked,
    answer,
    last,
    kept: () => [...kept.values()].join(),
  };
}

const image = (id: string) => ({ type: 'image', source: { type: 'upload', id } });
const text = (words: string) => ({ type: 'text', text: words });

describe('a question with a photo', () => {
  it('names what was uploaded, tells its description, and its next one sends the photo again', async () => {
    const { uploads, store, settle, asked, answer } = openPage();
    store.attached.add([photo('a page'), photo('a plant')]);
    await settle();
    store.attached.describe(store.attached.getSnapshot()[0]?.id ?? '', ' page 12 ');
    expect(store.send('What is this?', ACTION)).toBe(true);
    expect(store.attached.getSnapshot()).toEqual([]);
    const first = [
      image('upload-1'),
      text('[About this photo. In the words of whoever sent it: page 12]'),
      image('upload-2'),
      text('What is this?'),
    ];
    expect(await asked(1)).toEqual([{ role: 'user', content: first }]);
    expect(uploads.sent).toEqual(['a page', 'a plant']);
    await answer('A leaf.');
    store.send('And now?', ACTION);
    const again = [image('upload-3'), first[1], image('upload-4'), first[3]];
    const earlier = { role: 'user', content: again };
    const said = { role: 'assistant', content: 'A leaf.' };
    expect(await asked(2)).toEqual([earlier, said, { role: 'user', content: 'And now?' }]);
    expect(uploads.sent.slice(2)).toEqual(['a page', 'a plant']);
    expect(uploads.removed).toEqual([]);
  });

  it('is not asked before its photo is ready, and not with one that cannot be used', async () => {
    const { client, uploads, conversations, store, settle } = openPage();
    const gate = Promise.withResolvers<void>();
    uploads.gate = gate.promise;
    store.attached.add([photo('a page')]);
    expect(store.send('Early', ACTION)).toBe(false);
    gate.resolve();
    await settle();
    const unusable: ChosenFile = { kind: 'photo', prepare: () => Promise.reject(new UnusableFile('heic')) };
    store.attached.add([unusable]);
    const [, bad] = store.attached.getSnapshot();
    await expect.poll(() => conversations.attachments.get(bad?.id ?? '')?.problem).toBe('heic');
    expect(store.send('With it', ACTION)).toBe(false);
    store.attached.remove(bad?.id ?? '');
    expect(store.send('Without it', ACTION)).toBe(true);
    await expect.poll(() => client.asked.length).toBe(1);
  });

  it('is asked with another upload where the relay does not know the first any more, once', async () => {
    const { client, uploads, store, settle, asked, last } = openPage();
    store.attached.add([photo('a page')]);
    await settle();
    store.send('What?', ACTION);
    await asked(1);
    const { id } = client.latest;
    await client.latest.fail('unknown_upload');
    expect(await asked(2)).toEqual([{ role: 'user', content: [image('upload-2'), text('What?')] }]);
    expect(client.latest.id).toBe(id);
    await client.latest.fail('unknown_upload');
    await expect.poll(last).toMatchObject({ status: 'failed' });
    expect(uploads.sent).toHaveLength(2);
  });

  it('uses the same upload after an error, and asks again, or edited, with the photo', async () => {
    const { client, uploads, store, settle, asked, answer } = openPage();
    store.attached.add([photo('a page')]);
    await settle();
    store.send('What?', ACTION);
    await asked(1);
    await client.latest.accept().fail('upstream_overloaded', true);
    await expect.poll(() => store.regenerate()).toBe(true);
    expect(await asked(2)).toEqual([{ role: 'user', content: [image('upload-1'), text('What?')] }]);
    await answer('A page.');
    expect(uploads.sent).toHaveLength(1);
    const [question] = store.getSnapshot().messages;
    store.edit(question?.id ?? '', 'Which page?', ACTION);
    expect(await asked(3)).toEqual([{ role: 'user', content: [image('upload-2'), text('Which page?')] }]);
  });

  it('is stopped while its photo is still being sent: the model is not asked', async () => {
    const { client, uploads, store, settle, asked, answer, last } = openPage();
    store.attached.add([photo('a page')]);
    await settle();
    store.send('What?', ACTION);
    await asked(1);
    await answer('A page.');
    const gate = Promise.withResolvers<void>();
    uploads.gate = gate.promise;
    store.send('And then?', ACTION);
    expect(last()).toMatchObject({ status: 'connecting' });
    store.stop();
    await expect.poll(last).toMatchObject({ status: 'cancelled' });
    gate.resolve();
    await expect.poll(() => uploads.sent.length).toBe(2);
    expect(client.asked).toHaveLength(1);
    store.send('Again', ACTION);
    await asked(2);
    expect(uploads.sent).toHaveLength(2);
  });

  it('fails in the words of the refusal where the photo cannot be sent again', async () => {
    const { uploads, store, settle, asked, answer, last } = openPage();
    store.attached.add([photo('a page')]);
    await settle();
    store.send('What?', ACTION);
    await asked(1);
    await answer('A page.');
    uploads.refusals.push(failure('too_many_uploads', true));
    store.send('And then?', ACTION);
    await expect.poll(last).toMatchObject({ status: 'failed', error: { code: 'too_many_uploads' } });
  });

  it('tells at most eight files, the latest, and of the others that they were there', async () => {
    const { store, settle, asked, answer } = openPage();
    for (let count = 1; count <= 3; count++) {
      store.attached.add(Array.from({ length: 3 }, (_, at) => photo(`${count}-${at}`)));
      await settle();
      store.send(`Question ${count}`, ACTION);
      await asked(count);
      await answer(`Answer ${count}`);
    }
    store.send('And?', ACTION);
    const told = (await asked(4)).map(({ content }) =>
      typeof content === 'string' ? [] : content.map((block) => block.type),
    );
    expect(told).toEqual([
      ['text', 'image', 'image', 'text'],
      [],
      ['image', 'image', 'image', 'text'],
      [],
      ['image', 'image', 'image', 'text'],
      [],
      [],
    ]);
  });
});

describe('what is kept of a photo', () => {
  it('is its description and its size; after a reload the model is told that there was one', async () => {
    const { store, open, settle, asked, answer, kept } = openPage();
    store.attached.add([photo('SECRET-PIXELS')]);
    await settle();
    expect(kept()).not.toContain('blob:');
    store.attached.describe(store.attached.getSnapshot()[0]?.id ?? '', 'my cat');
    store.send('Which breed?', ACTION);
    await asked(1);
    await answer('A tabby.');
    expect(kept()).not.toMatch(/SECRET-PIXELS|blob:|upload-/);
    const later = open().get('one');
    const [question] = later.getSnapshot().messages;
    expect(question).toMatchObject({
      attachments: [{ kind: 'photo', alt: 'my cat', width: 40, height: 30 }],
    });
    expect(later.matches('CAT')).toBe(true);
    later.send('How old?', ACTION);
    const gone = '[Here was a photo that can no longer be seen. In the words of whoever sent it: my cat]';
    expect((await asked(2))[0]).toEqual({ role: 'user', content: [text(gone), text('Which breed?')] });
  });

  it('is read with suspicion', () => {
    const good: Attachment = { id: 'a', kind: 'photo', alt: '', width: 3, height: undefined };
    const odd = [
      null,
      1,
      {},
      { ...good, kind: 'film' },
      { ...good, alt: 7 },
      { ...good, height: 'x', extra: 1 },
    ];
    expect(attachmentsIn(odd)).toEqual([good]);
    expect([attachmentsIn('photo'), attachmentsIn([])]).toEqual([undefined, undefined]);
  });

  it('is let go of once no conversation has it: removed, cleared, or of another user', async () => {
    const { client, uploads, clock, conversations, store, settle, asked, answer } = openPage();
    const freed: string[] = [];
    store.attached.add([photo('a', freed), photo('b', freed)]);
    await settle();
    store.attached.remove(store.attached.getSnapshot()[1]?.id ?? '');
    expect(freed).toEqual(['b']);
    await expect.poll(() => uploads.removed).toEqual(['upload-2']);
    store.send('What?', ACTION);
    await asked(1);
    await answer('That.');
    conversations.remove('one');
    expect(freed).toEqual(['b']);
    conversations.undoRemove();
    store.send('And?', ACTION);
    expect((await asked(2))[0]?.content).toContainEqual(image('upload-3'));
    await answer('This.');
    conversations.remove('one');
    clock.advance(10_000);
    expect(freed).toEqual(['b', 'a']);
    store.attached.add([photo('c', freed)]);
    await settle();
    client.signIn('user-2');
    expect(store.attached.getSnapshot()).toEqual([]);
    expect(freed).toEqual(['b', 'a', 'c']);
    expect(conversations.attachments.getSnapshot().size).toBe(0);
  });

  it('never goes to a user who signs in while it is being sent', async () => {
    const { client, uploads, store, settle, asked, answer } = openPage();
    store.attached.add([photo('a page')]);
    await settle();
    store.send('What?', ACTION);
    await asked(1);
    await answer('That.');
    const gate = Promise.withResolvers<void>();
    uploads.gate = gate.promise;
    store.send('And of whom is it?', ACTION);
    client.signIn('user-2');
    gate.resolve();
    await expect.poll(() => uploads.sent.length + uploads.removed.length).toBeGreaterThan(0);
    expect(store.getSnapshot().messages).toEqual([]);
    expect(client.asked).toHaveLength(1);
  });
});

it.each([
  [4032, 3024],
  [3024, 4032],
  [2576, 400],
  [9000, 50],
  [640, 480],
  [1, 1],
])('a photo of %i × %i is sent as large as a model sees it, and no larger than it is', (width, height) => {
  const size = modelSize({ width, height });
  expect(Math.max(size.width, size.height)).toBeLessThanOrEqual(2576);
  expect(Math.ceil(size.width / 28) * Math.ceil(size.height / 28)).toBeLessThanOrEqual(4784);
  expect(size.width / size.height).toBeCloseTo(width / height, width > 100 * height ? -1 : 1);
  const isWhole = width <= 2576 && Math.ceil(width / 28) * Math.ceil(height / 28) <= 4784;
  if (isWhole) expect(size).toEqual({ width, height });
  else
    expect(size.width * size.height).toBeGreaterThan(
      Math.min(0.95 * 4784 * 28 * 28, 2500 * (height / width) * 2500),
    );
});
