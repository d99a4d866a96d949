/** What an app sends ahead of a question: once for the relay however often it had to be sent, and refused in words. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createDashClient, DashError } from '../../src/client/index.ts';
import type { FetchRequest, FetchResponse } from '../../src/client/platform.ts';
import { removeUpload, removeUploads, type UploadOptions, upload } from '../../src/client/upload.ts';

const HELD = { id: 'u'.repeat(22), mediaType: 'image/jpeg', bytes: 3, width: 4, height: 3, expiresAt: 1e12 };
const PHOTO = new Blob([new Uint8Array([255, 216, 255])], { type: 'image/jpeg' });

type Answering = 'no network' | (() => Response);

/** A client whose relay answers with these, in turn; the last one again. */
function clientWith(...answers: Answering[]) {
  const requests: (FetchRequest & { readonly url: string })[] = [];
  const tokens: boolean[] = [];
  const client = createDashClient({
    url: 'https://relay.example/',
    getToken: ({ refresh }) => {
      tokens.push(refresh);
      return `token-${tokens.length}`;
    },
    fetch: async (url, init) => {
      requests.push({ ...init, url });
      const answer = answers[Math.min(requests.length, answers.length) - 1];
      if (answer === undefined || answer === 'no network') throw new TypeError('failed to fetch');
      return answer() as FetchResponse;
    },
  });
  return { client, requests, tokens };
}

const held = (): Response => Response.json(HELD, { status: 201 });
function refusal(code: string, more: object = {}, retryable = false): Response {
  return Response.json({ error: { code, message: `says ${code}`, retryable, ...more } }, { status: 400 });
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What comes of it, however long that is to take on the clock of these tests. */
async function outcome(
  client: Parameters<typeof upload>[0],
  file: Parameters<typeof upload>[1] = PHOTO,
  options?: UploadOptions,
) {
  const settled = upload(client, file, options).catch((error: unknown) => error);
  await vi.runAllTimersAsync();
  return await settled;
}

it('sends the file as it is, by the token of its user', async () => {
  const { client, requests } = clientWith(held);
  expect(await outcome(client)).toEqual(HELD);
  expect(requests).toEqual([
    {
      url: 'https://relay.example/v1/uploads',
      method: 'POST',
      headers: {
        authorization: 'Bearer token-1',
        'content-type': 'image/jpeg',
        'idempotency-key': expect.stringMatching(/^[a-v0-9]{26}$/),
      },
      body: PHOTO,
    },
  ]);
});

it.each([
  ['bytes', new Uint8Array([9, 1, 2, 9]).subarray(1, 3)],
  ['a buffer', new Uint8Array([1, 2]).buffer],
])('%s leave as they were when they were handed in', async (_, file) => {
  const { client, requests } = clientWith(held);
  const sent = upload(client, file);
  new Uint8Array(file instanceof ArrayBuffer ? file : file.buffer).fill(7);
  await sent;
  expect(new Uint8Array(requests[0]?.body as ArrayBuffer)).toEqual(new Uint8Array([1, 2]));
  expect(requests[0]?.headers).toMatchObject({ 'content-type': 'application/octet-stream' });
});

it('a file of the device is read from its address', async () => {
  const { client, requests } = clientWith(held);
  await outcome(client, { uri: 'data:image/png;base64,iVBORw0K' });
  expect(requests[0]?.headers).toMatchObject({ 'content-type': 'image/png' });
  const sent = requests[0]?.body;
  if (!(sent instanceof Blob)) throw new Error('something else than the file was sent');
  expect(Buffer.from(await sent.arrayBuffer()).toString('base64')).toBe('iVBORw0K');
});

it('is sent again after a lost answer, a proxy’s page and a busy relay, and is one upload to the relay', async () => {
  const { client, requests } = clientWith(
    'no network',
    () => new Response('<h1>Welcome to the school’s network</h1>'),
    () => new Response('Bad Gateway', { status: 502 }),
    () => refusal('unavailable', {}, true),
    held,
  );
  expect(await outcome(client)).toEqual(HELD);
  expect(requests).toHaveLength(5);
  expect(new Set(requests.map(({ headers }) => headers?.['idempotency-key'])).size).toBe(1);
});

it('takes a fresh token where the first is refused', async () => {
  const { client, requests, tokens } = clientWith(() => refusal('unauthorized'), held);
  expect(await outcome(client)).toEqual(HELD);
  expect(tokens).toEqual([false, true]);
  expect(requests.map(({ headers }) => headers?.['authorization'])).toEqual([
    'Bearer token-1',
    'Bearer token-2',
  ]);
});

it.each([
  ['too_large', { reason: 'sides' }, false],
  ['unsupported', { reason: 'heic' }, false],
  ['too_many_uploads', {}, true],
])('%s is told at once, with what the relay says of it', async (code, more, retryable) => {
  const { client, requests } = clientWith(() => refusal(code, more, retryable));
  const error = await outcome(client);
  expect(error).toBeInstanceOf(DashError);
  expect(error).toMatchObject({ code, message: `says ${code}`, retryable, ...more });
  expect(requests).toHaveLength(1);
});

it('gives up a relay that is not reached, or stays busy, after a while', async () => {
  const away = clientWith('no network');
  expect(await outcome(away.client)).toMatchObject({ code: 'unreachable', retryable: true });
  expect(away.requests.length).toBeGreaterThan(3);
  const busy = clientWith(() => refusal('rate_limited', {}, true));
  expect(await outcome(busy.client, PHOTO, { contactMs: 1000 })).toMatchObject({ code: 'rate_limited' });
});

it('ends with the reason of its signal, also while it waits', async () => {
  const { client, requests } = clientWith('no network');
  const abort = new AbortController();
  const settled = upload(client, PHOTO, { signal: abort.signal }).catch((error: unknown) => error);
  await vi.waitFor(() => expect(requests).toHaveLength(1));
  abort.abort(new Error('taken out again'));
  expect(await settled).toMatchObject({ message: 'taken out again' });
  expect(requests[0]?.signal).toBe(abort.signal);
});

it('is removed, one or all, and nobody minds where that cannot be told', async () => {
  const { client, requests } = clientWith(() => new Response(null, { status: 204 }), 'no network');
  await removeUpload(client, HELD.id);
  await removeUploads(client);
  expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    `DELETE https://relay.example/v1/uploads/${HELD.id}`,
    'DELETE https://relay.example/v1/uploads',
  ]);
});
