/** From the camera to the model: a photo is sent, asked about, read by the model as it is, and gone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDashClient } from '../../src/client/index.ts';
import { upload } from '../../src/client/upload.ts';
import { exifSegment, JPEG, jpegWith, pdf, png, SECRET } from './files.ts';
import {
  document,
  image,
  type RelayWithUploads,
  startRelayWithUploads,
  words,
} from './relay-with-uploads.ts';

let the: RelayWithUploads;
beforeAll(async () => {
  the = await startRelayWithUploads({
    UPLOADS_PER_USER: '3',
    UPLOADS_USER_BYTES: '20000',
    UPLOAD_MAX_BYTES: '10000',
  });
});
afterAll(() => the.close());

const ALICE = '8d0f0a51-1c7e-4b6e-9a4e-3f2b6c1d5e70';
const BOB = '1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed';
const tokenOf = (user: string, tier = 'enterprise') => the.relay.token(user, { tier });

/** What the model was asked last. */
function asked(): readonly { readonly content: unknown }[] {
  const { body } = the.simulator.requests.at(-1) ?? {};
  return (body as { messages: { content: unknown }[] }).messages;
}

async function sent(token: string, file = JPEG, headers = {}): Promise<string> {
  const { status, body } = await the.send(token, file, headers);
  expect(status).toBe(201);
  return body.id ?? '';
}

it('a photo is answered with what it is, and when it goes', async () => {
  const token = await tokenOf(ALICE);
  const before = Date.now();
  const { status, body } = await the.send(token, jpegWith(exifSegment(6)));
  expect(status).toBe(201);
  expect(body).toEqual({
    id: expect.stringMatching(/^[\w-]{22}$/),
    mediaType: 'image/jpeg',
    bytes: JPEG.length + 36,
    width: 16,
    height: 12,
    expiresAt: expect.any(Number),
  });
  const { expiresAt } = body as unknown as { expiresAt: number };
  expect(expiresAt).toBeGreaterThanOrEqual(before + 600_000);
  expect((await the.call('DELETE', `/v1/uploads/${body.id}`, token)).status).toBe(204);
});

it('the model gets the picture without what the camera knew, and the relay has it no more', async () => {
  const token = await tokenOf(ALICE);
  const [photo, plain] = [await sent(token, jpegWith(exifSegment(1))), await sent(token, png())];
  const { status } = await the.ask(token, [image(photo), image(plain), words('How do I solve number 3?')]);
  expect(status).toBe(200);
  expect(asked()).toEqual([
    {
      role: 'user',
      content: [
        {
          type: 'image',
          source: { type: 'base64', media_type: 'image/jpeg', data: JPEG.toString('base64') },
        },
        {
          type: 'image',
          source: { type: 'base64', media_type: 'image/png', data: png().toString('base64') },
        },
        words('How do I solve number 3?'),
      ],
    },
  ]);
  expect(Buffer.from(JSON.stringify(asked())).includes(SECRET)).toBe(false);
  expect(await the.metric('dash_uploads_held')).toBe(0);
  expect((await the.ask(token, [image(photo)])).body.error).toMatchObject({
    code: 'unknown_upload',
    message: expect.stringMatching(/^messages\.0: /),
  });
});

it('the SDK sends a photo and streams the answer about it', async () => {
  const client = createDashClient({ url: the.relay.url, getToken: () => tokenOf(ALICE) });
  the.simulator.script({ deltas: ['It ', 'is 4.'] });
  const { id, width, height } = await upload(
    client,
    new Blob([new Uint8Array(JPEG)], { type: 'image/jpeg' }),
  );
  expect([width, height]).toEqual([16, 12]);
  const content = [{ type: 'image', source: { type: 'upload', id } } as const];
  const stream = client.stream({ action: 'chat', messages: [{ role: 'user', content }] });
  expect((await stream.final).content).toBe('It is 4.');
  client.close();
});

it('nobody asks about the file of another, and is told no more than of none', async () => {
  const [alice, bob] = [await tokenOf(ALICE), await tokenOf(BOB)];
  const id = await sent(alice);
  const foreign = await the.ask(bob, [image(id)]);
  const unknown = await the.ask(bob, [image('A'.repeat(22))]);
  expect(foreign.body.error).toMatchObject({ code: 'unknown_upload' });
  expect({ ...foreign.body.error, requestId: '' }).toEqual({ ...unknown.body.error, requestId: '' });
  expect((await the.call('DELETE', `/v1/uploads/${id}`, bob)).status).toBe(204);
  expect((await the.ask(alice, [image(id)])).status).toBe(200);
});

it('after a run that failed, and a start that was refused, the file is there for another try', async () => {
  const token = await tokenOf(ALICE);
  const id = await sent(token);
  expect((await the.ask(token, [image(id)], { model: 'no-model' })).body.error?.code).toBe(
    'model_not_allowed',
  );
  the.simulator.script('overloaded-midway');
  expect((await the.ask(token, [image(id)])).body.error?.code).toBe('upstream_overloaded');
  expect((await the.ask(token, [image(id)])).status).toBe(200);
});

it('the same start with the same file is the same run, and another file another', async () => {
  const token = await tokenOf(ALICE);
  const [id, other] = [await sent(token), await sent(token, png())];
  const count = the.simulator.requests.length;
  const first = await the.ask(token, [image(id)], { id: 'same-start' });
  expect((await the.ask(token, [image(id)], { id: 'same-start' })).body).toEqual(first.body);
  expect((await the.ask(token, [image(other)], { id: 'same-start' })).body.error?.code).toBe('conflict');
  expect(the.simulator.requests.length).toBe(count + 1);
  expect((await the.call('DELETE', '/v1/uploads', token)).status).toBe(204);
  expect(await the.metric('dash_uploads_held')).toBe(0);
});

it('one request that is sent twice is one file, of its user alone', async () => {
  const [alice, bob] = [await tokenOf(ALICE), await tokenOf(BOB)];
  const key = { 'idempotency-key': 'k'.repeat(26) };
  const id = await sent(alice, JPEG, key);
  expect(await sent(alice, JPEG, key)).toBe(id);
  expect(await sent(bob, JPEG, key)).not.toBe(id);
  expect(await the.metric('dash_uploads_held')).toBe(2);
  for (const token of [alice, bob]) await the.call('DELETE', '/v1/uploads', token);
});

it('a user has so many files and bytes waiting, and no more; others are not asked to wait', async () => {
  const [alice, bob] = [await tokenOf(ALICE), await tokenOf(BOB)];
  for (let each = 0; each < 3; each += 1) await sent(alice);
  const fourth = await the.send(alice, JPEG);
  expect([fourth.status, fourth.body.error?.code]).toEqual([429, 'too_many_uploads']);
  expect((await the.send(bob, JPEG)).status).toBe(201);
  for (const token of [alice, bob]) await the.call('DELETE', '/v1/uploads', token);
});

describe('documents', () => {
  it('are for actions and plans that take them', async () => {
    const [teacher, pupil] = [await tokenOf(BOB, 'teacher'), await tokenOf(ALICE)];
    const id = await sent(teacher, pdf(2));
    expect((await the.ask(pupil, [document('A'.repeat(22))])).body.error).toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/^messages\.0: /),
    });
    expect((await the.ask(teacher, [image(id)])).body.error?.code).toBe('unknown_upload');
    expect((await the.ask(teacher, [document(id), words('Mark it.')])).status).toBe(200);
    expect(asked()[0]?.content).toMatchObject([
      { type: 'document', source: { media_type: 'application/pdf', data: pdf(2).toString('base64') } },
      words('Mark it.'),
    ]);
  });
});

it.each([
  [
    'an upload of the assistant',
    [
      { role: 'assistant', content: [image('a')] },
      { role: 'user', content: 'Why?' },
    ],
    'bad_request',
  ],
  ['21 uploads', [{ role: 'user', content: Array.from({ length: 21 }, () => image('a')) }], 'bad_request'],
  ['an id that is none', [{ role: 'user', content: [image('../a')] }], 'bad_request'],
  ['a field more', [{ role: 'user', content: [{ ...image('a'), cache_control: {} }] }], 'unsupported'],
  [
    'a document of base64',
    [{ role: 'user', content: [{ type: 'document', source: { type: 'base64' } }] }],
    'unsupported',
  ],
])('%s is refused', async (_, messages, code) => {
  const { body } = await the.ask(await tokenOf(ALICE), [], { messages });
  expect(body.error?.code).toBe(code);
});
