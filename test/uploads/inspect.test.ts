/** What is kept of a file: its picture, its orientation, and nothing else. */
import { describe, expect, it } from 'vitest';
import { orientationIn } from '../../src/uploads/media/exif.ts';
import { inspect } from '../../src/uploads/media/inspect.ts';
import { kindOf } from '../../src/uploads/media/kind.ts';
import {
  ALPHA_WEBP,
  canvas,
  chunk,
  exif,
  exifSegment,
  GIF,
  JPEG,
  jpegWith,
  LOSSLESS_WEBP,
  pdf,
  png,
  riff,
  SECRET,
  segment,
  VP8,
  WEBP,
} from './files.ts';

const inspected = (file: Buffer) => inspect(file, kindOf(file, true), { side: 8000, pages: 50 });

const COMMENT = Buffer.concat([Buffer.from([0x21, 0xfe, SECRET.length]), Buffer.from(`${SECRET}\0`)]);
const GIF_HEAD = 13 + 6;

describe('what was written beside the picture is taken out', () => {
  it.each([
    ['a JPEG', JPEG, jpegWith(exifSegment(1), segment(0xe1, `http://ns.adobe.com/xap/1.0/\0${SECRET}`))],
    [
      'a JPEG with comments, IPTC and a colour profile',
      JPEG,
      jpegWith(segment(0xfe, SECRET), segment(0xed, SECRET), segment(0xe2, SECRET)),
    ],
    ['a JPEG with a film behind its end', JPEG, Buffer.concat([JPEG, Buffer.from(SECRET)])],
    [
      'a PNG',
      png(),
      png([
        chunk('tEXt', `Author\0${SECRET}`),
        chunk('eXIf', exif(1)),
        chunk('iTXt', SECRET),
        chunk('tIME', '1234567'),
      ]),
    ],
    ['a PNG with a zip behind its end', png(), Buffer.concat([png(), Buffer.from(`PK\x03\x04${SECRET}`)])],
    [
      'a GIF',
      GIF,
      Buffer.concat([GIF.subarray(0, GIF_HEAD), COMMENT, GIF.subarray(GIF_HEAD), Buffer.from(SECRET)]),
    ],
    [
      'a WebP',
      WEBP,
      riff(canvas(0x0c, 16, 12), ['VP8 ', VP8], ['EXIF', exif(1)], ['XMP ', Buffer.from(SECRET)]),
    ],
  ])('of %s', async (_, plain, file) => {
    expect(file.toString('latin1')).toContain(SECRET);
    const { content, width, height } = await inspected(file);
    expect(content.equals(plain)).toBe(true);
    expect([width, height]).toEqual([16, 12]);
  });

  it.each([
    ['JPEG', jpegWith(exifSegment(6)), (kept: Buffer) => kept.subarray(12)],
    ['JPEG of another byte order', jpegWith(exifSegment(6, 'MM')), (kept: Buffer) => kept.subarray(12)],
    ['PNG', png([chunk('eXIf', exif(6))]), (kept: Buffer) => kept.subarray(kept.indexOf('eXIf') + 4)],
    [
      'WebP',
      riff(canvas(0x08, 16, 12), ['VP8 ', VP8], ['EXIF', exif(6)]),
      (kept: Buffer) => kept.subarray(kept.indexOf('EXIF') + 8),
    ],
  ])('of a turned %s the orientation stays, alone', async (_, file, tiffOf) => {
    const { content } = await inspected(file);
    expect(orientationIn(tiffOf(content))).toBe(6);
    expect(content.toString('latin1')).not.toContain(SECRET);
    expect((await inspected(content)).content.equals(content)).toBe(true);
  });
});

it.each([
  ['image/jpeg', JPEG],
  ['image/png', png()],
  ['image/gif', GIF],
  ['image/webp', WEBP],
  ['image/webp', LOSSLESS_WEBP],
  ['image/webp', ALPHA_WEBP],
])('%s has its sides', async (mediaType, file) => {
  const { content, ...facts } = await inspected(file);
  expect(facts).toEqual({ mediaType, width: 16, height: 12 });
  expect(content.equals(file)).toBe(true);
});

it('transparency of a WebP whose head tells of none is no part of the picture', async () => {
  const transparency = ALPHA_WEBP.subarray(38, 48);
  const file = riff(canvas(0, 16, 12), ['ALPH', transparency], ['VP8 ', VP8]);
  const { content } = await inspected(file);
  expect(content.equals(WEBP)).toBe(true);
  expect((await inspected(content)).content.equals(WEBP)).toBe(true);
});

it.each([
  [1, false],
  [50, false],
  [7, true],
])('a PDF of %i pages has them, also where its objects are compressed (%s)', async (pages, compressed) => {
  expect(await inspected(pdf(pages, { compressed }))).toMatchObject({ pages, mediaType: 'application/pdf' });
});

it('of two versions in one PDF the later one counts', async () => {
  const both = Buffer.concat([
    pdf(3),
    Buffer.from('2 0 obj << /Type /Pages /Kids [3 0 R] >> endobj\n%%EOF\n'),
  ]);
  expect(await inspected(both)).toMatchObject({ pages: 1 });
});
