/** PNG: its sides, and the picture without what was written beside it (texts, EXIF, times, profiles, further frames). */
import { crc32 } from 'node:zlib';
import { orientationIn, tiffOf } from './exif.ts';
import { animated, damaged, type Inspected, MAX_PARTS, type Sides } from './inspected.ts';

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
/** What a picture is made of: without these it is another one. */
const PICTURE: ReadonlySet<string> = new Set([
  'IHDR',
  'PLTE',
  'IDAT',
  'IEND',
  'tRNS',
  'gAMA',
  'cHRM',
  'sRGB',
]);
/** Bits of a sample, by type of colour. */
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

interface Chunk {
  readonly type: string;
  readonly bytes: Buffer;
  readonly data: Buffer;
}

/** @throws RelayError bad_request (`damaged`), unsupported (`animated`) */
export function inspectPng(file: Buffer): Inspected {
  if (!file.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw damaged('it begins as no PNG does');
  const kept: Buffer[] = [SIGNATURE];
  let sides: Sides | undefined;
  let hasPicture = false;
  for (const { type, data, bytes } of chunksOf(file)) {
    if ((type === 'IHDR') !== (sides === undefined)) throw damaged('it begins without its sides');
    if (type === 'IHDR') sides = sidesOf(data);
    if (type === 'acTL') throw animated();
    hasPicture ||= type === 'IDAT' && data.length > 0;
    if (PICTURE.has(type)) kept.push(bytes);
    else if (type === 'eXIf') kept.push(...exifChunk(data));
    else if (isCritical(type)) throw damaged('it has a part that no reader knows');
  }
  if (sides === undefined || !hasPicture) throw damaged('it has no picture');
  return { mediaType: 'image/png', ...sides, content: Buffer.concat(kept) };
}

function* chunksOf(file: Buffer): Generator<Chunk> {
  let at = SIGNATURE.length;
  for (let parts = 0; parts < MAX_PARTS; parts += 1) {
    if (at + 12 > file.length) throw damaged('it ends too early');
    const end = at + 12 + file.readUInt32BE(at);
    if (end > file.length) throw damaged('it ends too early');
    if (crc32(file.subarray(at + 4, end - 4)) !== file.readUInt32BE(end - 4))
      throw damaged('a part of it has another checksum');
    const type = file.toString('latin1', at + 4, at + 8);
    yield { type, bytes: file.subarray(at, end), data: file.subarray(at + 8, end - 4) };
    if (type === 'IEND') return; // what follows is no part of it
    at = end;
  }
  throw damaged('it has too many parts');
}

function sidesOf(data: Buffer): Sides {
  const [depth, colours, compression, filter, interlace] = data.subarray(8);
  const isKnown = data.length === 13 && DEPTHS[colours ?? -1]?.includes(depth ?? 0);
  if (!isKnown || compression !== 0 || filter !== 0 || (interlace ?? 2) > 1)
    throw damaged('its head is of no kind of PNG');
  return { width: data.readUInt32BE(0), height: data.readUInt32BE(4) };
}

/** Readers may leave out what they do not know, if its name begins with a small letter. */
function isCritical(type: string): boolean {
  return !/^[a-z][A-Za-z]{3}$/.test(type);
}

function exifChunk(data: Buffer): Buffer[] {
  const orientation = orientationIn(data);
  if (orientation === 1) return [];
  const named = Buffer.concat([Buffer.from('eXIf', 'latin1'), tiffOf(orientation)]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(named.length - 4);
  checksum.writeUInt32BE(crc32(named));
  return [length, named, checksum];
}
