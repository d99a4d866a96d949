/** Hostile and broken uploads, each with its refusal, by one relay; afterwards nothing of them is left. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openRaw } from '../http/raw-client.ts';
import {
  ALPHA_WEBP,
  canvas,
  chunk,
  exif,
  GIF,
  JPEG,
  jpegWith,
  LOSSLESS_WEBP,
  pdf,
  pdfBomb,
  png,
  pngHead,
  riff,
  segment,
  VP8,
  WEBP,
} from './files.ts';
import { type RelayWithUploads, startRelayWithUploads } from './relay-with-uploads.ts';

const MAX_BYTES = 1_000_000;

let the: RelayWithUploads;
let token: string;
let teacher: string;
beforeAll(async () => {
  the = await startRelayWithUploads({ UPLOAD_MAX_BYTES: String(MAX_BYTES), UPLOAD_MAX_PAGES: '20' });
  token = await the.relay.token();
  teacher = await the.relay.token(undefined, { tier: 'teacher' });
});
afterAll(() => the.close());

const with_ = (file: Buffer, at: number, ...bytes: number[]): Buffer => {
  const changed = Buffer.from(file);
  changed.set(bytes, at);
  return changed;
};
const SOF = JPEG.indexOf(Buffer.from([0xff, 0xc0]));
const frame = JPEG.subarray(SOF, SOF + 19);
const HEIC = Buffer.concat([
  Buffer.from([0, 0, 0, 24]),
  Buffer.from('ftypheic\0\0\0\0mif1heic'),
  Buffer.alloc(400),
]);
const [AVIF, MP4] = ['avif', 'isom'].map((brand) =>
  Buffer.from(HEIC.toString('latin1').replace('heic', brand), 'latin1'),
);
const MOVING = Buffer.concat([GIF.subarray(0, -1), GIF.subarray(27, -1), Buffer.from([0x3b])]);
const circle = Buffer.from(pdf(1).toString('latin1').replace('/Kids [ 3 0 R ]', '/Kids [ 2 0 R ]'), 'latin1');
const lying = Buffer.from(
  pdf(3).toString('latin1').replaceAll('/Type /Page ', '/Type /Pages /Kids [] '),
  'latin1',
);
const endless = Buffer.from(
  `%PDF-1.7\n${Array.from({ length: 300 }, (_, index) => `${index + 2} 0 obj << /Type /Pages /Kids [${index + 3} 0 R] >> endobj`).join('\n')}\n1 0 obj << /Pages 2 0 R >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF`,
);
const svg = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>';

/** What it is, and what is answered: status, code, and the reason where there is one. */
const HOSTILE: readonly (readonly [what: string, file: Buffer, refusal: string])[] = [
  ['nothing', Buffer.alloc(0), '415 unsupported'],
  ['one byte', Buffer.from([0xff]), '415 unsupported'],
  ['zeros', Buffer.alloc(5000), '415 unsupported'],
  ['a text', Buffer.from('Why is the sky blue?'), '415 unsupported'],
  ['a page', Buffer.from('<!DOCTYPE html><script>alert(1)</script>'), '415 unsupported'],
  ['an SVG', Buffer.from(svg), '415 unsupported svg'],
  [
    'an SVG behind its declaration',
    Buffer.from(`\ufeff<?xml version="1.0"?>\n${svg}`),
    '415 unsupported svg',
  ],
  ['an SVG behind a comment', Buffer.from(`<!-- ${'x'.repeat(500)} -->${svg}`), '415 unsupported svg'],
  ['a HEIC photo', HEIC, '415 unsupported heic'],
  ['an AVIF photo', AVIF ?? HEIC, '415 unsupported heic'],
  ['a film', MP4 ?? HEIC, '415 unsupported'],
  ['a BMP', Buffer.from('BM\x46\0\0\0\0\0\0\0\x36\0\0\0'), '415 unsupported'],
  ['a TIFF', Buffer.concat([Buffer.from('II*\0'), Buffer.alloc(300)]), '415 unsupported'],
  ['an icon', Buffer.from([0, 0, 1, 0, 1, 0, 16, 16]), '415 unsupported'],
  ['a zip', Buffer.from('PK\x03\x04'.padEnd(300, '\0')), '415 unsupported'],
  ['a program', Buffer.from('\x7fELF'.padEnd(300, '\0')), '415 unsupported'],
  ['a sound in the shell of a WebP', Buffer.from('RIFF\x24\0\0\0WAVEfmt '), '415 unsupported'],
  ['a JPEG behind a page', Buffer.concat([Buffer.from('<html>'), JPEG]), '415 unsupported'],
  ['a PDF of a pupil', pdf(1), '415 unsupported pdf'],
  ['a JPEG that is only its beginning', JPEG.subarray(0, 3), '400 bad_request damaged'],
  ['a JPEG cut in its tables', JPEG.subarray(0, 90), '400 bad_request damaged'],
  ['a JPEG cut in its picture', JPEG.subarray(0, -3), '400 bad_request damaged'],
  [
    'a JPEG without a picture',
    Buffer.concat([JPEG.subarray(0, SOF), Buffer.from([0xff, 0xd9])]),
    '400 bad_request damaged',
  ],
  ['a JPEG of no height', with_(JPEG, SOF + 5, 0, 0), '400 bad_request damaged'],
  ['a JPEG of no width', with_(JPEG, SOF + 7, 0, 0), '400 bad_request damaged'],
  ['a JPEG of 65,535 pixels a side', with_(JPEG, SOF + 5, 255, 255, 255, 255), '413 too_large sides'],
  ['a JPEG of two frames', jpegWith(frame), '400 bad_request damaged'],
  ['a JPEG of arithmetic coding', with_(JPEG, SOF + 1, 0xc9), '400 bad_request damaged'],
  ['a JPEG of 12 bits', with_(JPEG, SOF + 4, 12), '400 bad_request damaged'],
  ['a JPEG of no components', with_(JPEG, SOF + 9, 0), '400 bad_request damaged'],
  ['a JPEG whose picture comes first', jpegWith(segment(0xda, '\0')), '400 bad_request damaged'],
  [
    'a JPEG with a segment of no length',
    jpegWith(Buffer.from([0xff, 0xfe, 0, 0])),
    '400 bad_request damaged',
  ],
  [
    'a JPEG of 30,000 comments',
    jpegWith(...Array.from({ length: 30_000 }, () => segment(0xfe, ''))),
    '400 bad_request damaged',
  ],
  [
    'a JPEG of nothing but fill bytes',
    Buffer.alloc(900_000, 255).fill(0xd8, 1, 2),
    '400 bad_request damaged',
  ],
  ['a JPEG that begins twice', Buffer.concat([JPEG.subarray(0, 2), JPEG]), '400 bad_request damaged'],
  ['a PNG cut in its pixels', png().subarray(0, 60), '400 bad_request damaged'],
  ['a PNG with another checksum', with_(png(), 45, 7), '400 bad_request damaged'],
  ['a PNG of no height', png([], pngHead(16, 0)), '400 bad_request damaged'],
  ['a PNG that is a bomb of 4 billion pixels', png([], pngHead(65_535, 65_535)), '413 too_large sides'],
  ['a PNG of 2³² pixels a side', png([], pngHead(0xffff_ffff, 0xffff_ffff)), '413 too_large sides'],
  ['a PNG one pixel too wide', png([], pngHead(8001, 12)), '413 too_large sides'],
  ['a PNG of no known colours', png([], pngHead(16, 12, [8, 5, 0, 0, 0])), '400 bad_request damaged'],
  ['a PNG without pixels', Buffer.concat([png().subarray(0, 33), chunk('IEND')]), '400 bad_request damaged'],
  ['a PNG with two heads', png([pngHead(16, 12)]), '400 bad_request damaged'],
  ['a PNG with a part that nobody knows', png([chunk('EVIL', 'x')]), '400 bad_request damaged'],
  ['a PNG with a length beyond its end', with_(png(), 33, 127, 255, 255, 255), '400 bad_request damaged'],
  [
    'a PNG of 60,000 empty parts',
    png(Array.from({ length: 60_000 }, () => chunk('teXt'))),
    '400 bad_request damaged',
  ],
  ['a PNG that moves', png([chunk('acTL', '\0\0\0\x02\0\0\0\0')]), '415 unsupported animated'],
  ['a GIF that moves', MOVING, '415 unsupported animated'],
  ['a GIF cut in its head', GIF.subarray(0, 9), '400 bad_request damaged'],
  ['a GIF cut in its picture', GIF.subarray(0, -4), '400 bad_request damaged'],
  [
    'a GIF without a picture',
    Buffer.concat([GIF.subarray(0, 19), Buffer.from([0x3b])]),
    '400 bad_request damaged',
  ],
  ['a GIF whose picture is larger than itself', with_(GIF, 32, 17), '400 bad_request damaged'],
  ['a GIF of no width', with_(GIF, 6, 0, 0), '400 bad_request damaged'],
  ['a WebP that moves', riff(canvas(2, 16, 12), ['ANMF', Buffer.alloc(40)]), '415 unsupported animated'],
  ['a WebP cut in its picture', WEBP.subarray(0, 40), '400 bad_request damaged'],
  ['a WebP of two sizes', riff(canvas(0, 9000, 9000), ['VP8 ', VP8]), '400 bad_request damaged'],
  ['a WebP of no height', with_(WEBP, 28, 0, 0), '400 bad_request damaged'],
  ['a WebP of two pictures', riff(['VP8 ', VP8], ['VP8 ', VP8]), '400 bad_request damaged'],
  ['a WebP without a picture', riff(['EXIF', exif(1)]), '400 bad_request damaged'],
  ['a WebP of 16,384 pixels a side', with_(LOSSLESS_WEBP, 21, 255, 255, 255, 15), '413 too_large sides'],
  ['a WebP whose transparency comes alone', ALPHA_WEBP.subarray(0, 48), '400 bad_request damaged'],
];

/** The same of PDFs, sent by who may send them. */
const HOSTILE_PDFS: typeof HOSTILE = [
  ['a PDF without an end', pdf(1).subarray(0, -8), '400 bad_request damaged'],
  [
    'a PDF with a zip behind its end',
    Buffer.concat([pdf(1), Buffer.from('PK\x03\x04 …')]),
    '400 bad_request damaged',
  ],
  ['a PDF with a password', pdf(1, { trailer: '/Encrypt 9 0 R' }), '415 unsupported encrypted'],
  ['a PDF of 21 pages', pdf(21), '413 too_large pages'],
  ['a PDF of 9,000 pages that says it has one', pdf(9000, { compressed: true }), '413 too_large pages'],
  ['a PDF of no pages', pdf(0), '400 bad_request damaged'],
  ['a PDF whose pages hold no pages', lying, '400 bad_request damaged'],
  ['a PDF whose pages go in a circle', circle, '400 bad_request damaged'],
  ['a PDF whose branches do not end', endless, '413 too_large pages'],
  ['a PDF without a root', Buffer.from('%PDF-1.7\n1 0 obj << >> endobj\n%%EOF'), '400 bad_request damaged'],
  [
    'a PDF whose root is missing',
    Buffer.from('%PDF-1.7\ntrailer << /Root 7 0 R >>\n%%EOF'),
    '400 bad_request damaged',
  ],
  ['a PDF that comes to 64 MB', pdfBomb(), '400 bad_request damaged'],
  [
    'a PDF of 2,000 streams that all end at one place',
    Buffer.from(
      `%PDF-1.7\n${'1 0 obj << /Type /ObjStm /N 1 /First 900000 >> stream\n'.repeat(2000)}${' 1'.repeat(400_000)}endstream endobj\n2 0 obj << >> endobj\ntrailer << /Root 2 0 R >>\n%%EOF`,
    ),
    '400 bad_request damaged',
  ],
  [
    'a PDF of 150,000 objects',
    Buffer.from(`%PDF-1.7\n${'1 0 obj'.repeat(140_000)}\n/Root 1 0 R\n%%EOF`),
    '400 bad_request damaged',
  ],
];

it('refuses each for what it is, says what to do, and keeps nothing', { timeout: 60_000 }, async () => {
  const rows = [
    ...HOSTILE.map((row) => [token, ...row] as const),
    ...HOSTILE_PDFS.map((row) => [teacher, ...row] as const),
  ];
  expect(rows.length).toBeGreaterThanOrEqual(70);
  const got: string[] = [];
  for (const [sender, what, file] of rows) {
    const { status, body } = await the.send(sender, file);
    const { code, reason = '', message = '' } = body.error ?? {};
    got.push(`${what} → ${[status, code, reason].join(' ').trim()}`);
    expect(message).toMatch(/send|save/);
  }
  expect(got).toEqual(rows.map(([, what, , refusal]) => `${what} → ${refusal}`));
  expect(await the.metric('dash_uploads_held')).toBe(0);
  expect(await the.metric('dash_request_body_bytes')).toBe(0);
  expect((await the.send(token, JPEG)).status).toBe(201);
});

it.each([
  ['a form', { 'content-type': 'multipart/form-data; boundary=x' }, '415 unsupported'],
  ['JSON', { 'content-type': 'application/json' }, '415 unsupported'],
  ['no type', { 'content-type': '' }, '415 unsupported'],
  ['a type that only begins like one', { 'content-type': 'application/pdfx' }, '415 unsupported'],
  ['gzip', { 'content-encoding': 'gzip' }, '415 unsupported'],
  ['a key that is none', { 'idempotency-key': '../../etc/passwd' }, '400 bad_request'],
])('refuses %s before it reads it', async (_, headers, refusal) => {
  const { status, body } = await the.send(token, gzipSync(JPEG), headers);
  expect(`${status} ${body.error?.code}`).toBe(refusal);
});

/** @param head lines of the request beside its first and its token */
async function answerTo(head: string, body: Buffer | string, end = true): Promise<string> {
  const raw = await openRaw(Number(new URL(the.relay.url).port));
  const first = `POST /v1/uploads HTTP/1.1\r\nHost: relay.example\r\nAuthorization: Bearer ${token}\r\n`;
  raw.send(`${first}Content-Type: image/jpeg\r\n${head}\r\n\r\n`);
  raw.send(body);
  if (end) return (await raw.untilClosed()).slice(9, 12);
  return '';
}

it.each([
  ['a file of no length', 'Transfer-Encoding: chunked\r\nConnection: close', '0\r\n\r\n', '400'],
  [
    'one byte too many',
    `Content-Length: ${MAX_BYTES + 1}\r\nConnection: close`,
    Buffer.alloc(MAX_BYTES + 1),
    '413',
  ],
  ['a length that is none', 'Content-Length: -1', '', '400'],
  ['two lengths', 'Content-Length: 4\r\nContent-Length: 5', '1234', '400'],
])('%s is refused by its head', async (_, head, body, status) => {
  expect(await answerTo(head, body)).toBe(status);
});

it('a file that is cut on its way leaves nothing', async () => {
  const raw = await openRaw(Number(new URL(the.relay.url).port));
  raw.send(
    `POST /v1/uploads HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Type: image/jpeg\r\nContent-Length: 90000\r\n\r\n`,
  );
  raw.send(JPEG);
  await expect.poll(() => the.metric('dash_request_body_bytes')).toBe(90_000);
  raw.socket.destroy();
  await expect.poll(() => the.metric('dash_request_body_bytes')).toBe(0);
});
