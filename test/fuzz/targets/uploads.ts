/** Files that are uploaded: whatever their bytes are, they are refused in words, or kept as a file that would be taken again. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { RelayError } from '../../../src/protocol/relay-error.ts';
import { inspect } from '../../../src/uploads/media/inspect.ts';
import type { Inspected } from '../../../src/uploads/media/inspected.ts';
import { kindOf } from '../../../src/uploads/media/kind.ts';
import { unpacked } from '../../../src/uploads/packed-file.ts';
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
  pngHead,
  riff,
  SECRET,
  segment,
  VP8,
  WEBP,
} from '../../uploads/files.ts';
import { type FuzzTarget, subject } from '../fuzz-target.ts';
import { readOrRefused, requireRefusal } from '../refused.ts';

const LIMITS = { side: 8000, pages: 20 };
/** What an orientation of our own takes. */
const ORIENTATION_BYTES = 64;
const PNG_SIGNATURE_BYTES = 8;

const FILES: readonly Buffer[] = [
  JPEG,
  jpegWith(exifSegment(6), segment(0xe1, `http://ns.adobe.com/xap/1.0/\0${SECRET}`), segment(0xfe, SECRET)),
  jpegWith(exifSegment(3, 'MM'), segment(0xe2, SECRET), segment(0xdd, '\0\x04')),
  png(),
  png([chunk('eXIf', exif(6)), chunk('tEXt', `Author\0${SECRET}`), chunk('acTL', '\0\0\0\x01\0\0\0\0')]),
  png([chunk('PLTE', '\0'.repeat(12)), chunk('tRNS', '\0')], pngHead(16, 12, [8, 3, 0, 0, 0])),
  GIF,
  Buffer.concat([GIF.subarray(0, -1), GIF.subarray(27, -1), Buffer.from([0x3b])]),
  WEBP,
  LOSSLESS_WEBP,
  ALPHA_WEBP,
  riff(canvas(0x0c, 16, 12), ['VP8 ', VP8], ['EXIF', exif(6)], ['XMP ', Buffer.from(SECRET)]),
  pdf(3),
  pdf(7, { compressed: true }),
  pdf(1, { trailer: '/Encrypt 9 0 R' }),
  Buffer.concat([pdf(2), Buffer.from('2 0 obj << /Type /Pages /Kids [3 0 R] >> endobj\n%%EOF\n')]),
  Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
  Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'),
];

export const uploads: FuzzTarget = {
  name: 'uploads',
  corpus: FILES.map((file) => file.toString('latin1')),
  words: [
    ...['\xff\xd8', '\xff\xd9', '\xff\xda\0\x02', '\xff\xe1\0\x08Exif\0\0', '\xff\xc0', '\xff\0', '\xff\xff'],
    ...['IHDR', 'IDAT', 'IEND', 'eXIf', 'acTL', '\0\0\0\0', '\x7f\xff\xff\xff', '\xff\xff\xff\xff'],
    ...['RIFF', 'WEBP', 'VP8X', 'VP8L', 'ALPH', 'ANMF', '\x21\xf9\x04', '\x21\xff', '\x2c', '\x3b'],
    ...[
      ' 0 R',
      '9 0 obj',
      'endobj',
      '/Kids [',
      '/Type /Page',
      '/Type /ObjStm /N 9 /First ',
      'stream\n',
      'endstream',
    ],
    ...['/Root 1 0 R', '/Pages 2 0 R', '/Filter /FlateDecode', '%%EOF', '%PDF-1.7', ' '.repeat(2000)],
  ],
  cases: 300,
  open: () =>
    subject(async (input) => {
      const file = Buffer.from(input, 'latin1');
      checkPacked(file);
      await checkFile(file);
      await checkFile(withChecksums(file)); // or nothing that was changed in a PNG is read any further
    }),
};

async function checkFile(file: Buffer): Promise<void> {
  const kind = readOrRefused(() => kindOf(file, true));
  if (kind === undefined) return;
  if (kind === 'application/pdf') assert.throws(() => kindOf(file, false), RelayError);
  const before = Buffer.from(file);
  const kept = await inspectedOrRefused(file, kind);
  assert.ok(file.equals(before), 'what was sent is changed in its place');
  if (kept === undefined) return;
  requireFacts(kept, file);
  // What is kept is itself a file that is taken, and there is nothing to take out of it any more.
  assert.equal(kindOf(kept.content, true), kind);
  const again = await inspect(kept.content, kind, LIMITS);
  assert.deepEqual({ ...again, content: '' }, { ...kept, content: '' });
  assert.ok(again.content.equals(kept.content), 'what is kept would be changed again');
}

async function inspectedOrRefused(
  file: Buffer,
  kind: Inspected['mediaType'],
): Promise<Inspected | undefined> {
  try {
    return await inspect(file, kind, LIMITS);
  } catch (error) {
    requireRefusal(error);
    assert.ok(error.reason !== undefined, 'an app cannot say why');
    return undefined;
  }
}

function requireFacts({ mediaType, width, height, pages, content }: Inspected, file: Buffer): void {
  if (mediaType === 'application/pdf') {
    assert.ok(isBetween(pages, LIMITS.pages) && width === undefined && height === undefined);
    assert.ok(content.equals(file), 'a PDF is changed');
  } else {
    assert.ok(isBetween(width, LIMITS.side) && isBetween(height, LIMITS.side) && pages === undefined);
    assert.ok(content.length <= file.length + ORIENTATION_BYTES, 'an image has grown');
  }
}

function isBetween(count: number | undefined, most: number): boolean {
  return count !== undefined && Number.isInteger(count) && count >= 1 && count <= most;
}

/** As it lies in UPLOADS_DIR or Redis, where it may be cut or somebody else's. */
function checkPacked(bytes: Buffer): void {
  const file = unpacked(bytes);
  if (file !== undefined) assert.equal(file.content.length, file.facts.bytes);
}

/** The same with each part of a PNG as its length says, and its checksum right. */
function withChecksums(file: Buffer): Buffer {
  const mended = Buffer.from(file);
  for (let at = PNG_SIGNATURE_BYTES; at + 12 <= mended.length; ) {
    const end = at + 8 + mended.readUInt32BE(at);
    if (end + 4 > mended.length) break;
    mended.writeUInt32BE(crc32(mended.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return file.toString('latin1', 1, 4) === 'PNG' ? mended : file;
}
