/**
 * JPEG: its sides, and the picture without what was written beside it (EXIF, XMP, IPTC, comments, colour profiles, previews,
 * a film after its end). Segments are walked, nothing is decoded.
 */
import { EXIF_HEAD, type Orientation, orientationIn, tiffOf } from './exif.ts';
import { damaged, type Inspected, MAX_PARTS, type Sides } from './inspected.ts';

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP1 = 0xe1;
const APP14 = 0xee;
const COMMENT = 0xfe;
/** Tables without which there is no picture: Huffman, quantisation, restart interval. */
const TABLES: ReadonlySet<number> = new Set([0xc4, 0xdb, 0xdd]);
/** Baseline, extended, progressive: others are shown by nobody. */
const FRAMES: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2]);
/** Tells how colours are stored. */
const ADOBE = 'Adobe';
const ADOBE_BYTES = 16;

interface Segment {
  readonly marker: number;
  /** From its marker to the next one's. */
  readonly bytes: Buffer;
  /** After its length. */
  readonly payload: Buffer;
}

/** @throws RelayError bad_request (`damaged`) */
export function inspectJpeg(file: Buffer): Inspected {
  const kept: Buffer[] = [];
  const frames: Buffer[] = [];
  let orientation: Orientation = 1;
  let scans = 0;
  for (const { marker, bytes, payload } of segmentsOf(file)) {
    if (FRAMES.has(marker)) frames.push(payload);
    if (marker === SOS) scans += 1;
    if (marker === SOS && frames.length === 0) throw damaged('its picture comes before its sides');
    if (isPicture(marker, bytes)) kept.push(bytes);
    else if (marker === APP1 && startsWith(payload, EXIF_HEAD))
      orientation = orientationIn(payload.subarray(EXIF_HEAD.length));
    else if (!isBeside(marker)) throw damaged('it has a part that no photo has');
  }
  const [frame] = frames;
  if (frame === undefined || frames.length > 1 || scans === 0) throw damaged('it has no picture, or two');
  const parts = [Buffer.from([0xff, SOI]), ...exifSegment(orientation), ...kept, Buffer.from([0xff, EOI])];
  return { mediaType: 'image/jpeg', ...sidesOf(frame), content: Buffer.concat(parts) };
}

function isPicture(marker: number, bytes: Buffer): boolean {
  return marker === SOS || FRAMES.has(marker) || TABLES.has(marker) || isColours(marker, bytes);
}

function* segmentsOf(file: Buffer): Generator<Segment> {
  let at = 2; // after the SOI, by which it was told
  for (let parts = 0; parts < MAX_PARTS; parts += 1) {
    const start = at;
    if (file[at] !== 0xff) throw damaged('it ends too early, or has bytes between its parts');
    while (file[at] === 0xff) at += 1; // fill bytes
    const marker = file[at] ?? 0;
    if (marker === EOI) return;
    const length = at + 2 < file.length ? file.readUInt16BE(at + 1) : 0;
    const end = at + 1 + length;
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= SOI) || length < 2 || end > file.length)
      throw damaged('it ends too early, or has a part of no length');
    const payload = file.subarray(at + 3, end);
    at = marker === SOS ? endOfScan(file, end) : end;
    yield { marker, payload, bytes: file.subarray(start, at) };
  }
  throw damaged('it has too many parts');
}

/** The next marker that is not part of the compressed picture. */
function endOfScan(file: Buffer, from: number): number {
  for (let at = from; at + 1 < file.length; at += 1) {
    if (file[at] !== 0xff) continue;
    const next = file[at + 1] ?? 0;
    if (next === 0 || next === 0xff || (next >= 0xd0 && next <= 0xd7)) continue;
    return at;
  }
  throw damaged('it ends too early');
}

function sidesOf(payload: Buffer): Sides {
  const components = payload[5] ?? 0;
  if (payload.length !== 6 + 3 * components || ![1, 3, 4].includes(components))
    throw damaged('its frame has no components');
  if (payload[0] !== 8) throw damaged('its samples are not of 8 bits');
  return { height: payload.readUInt16BE(1), width: payload.readUInt16BE(3) };
}

function isColours(marker: number, bytes: Buffer): boolean {
  return marker === APP14 && bytes.length === ADOBE_BYTES && bytes.toString('latin1', 4, 9) === ADOBE;
}

function isBeside(marker: number): boolean {
  return (marker >= 0xe0 && marker <= 0xef) || marker === COMMENT;
}

function exifSegment(orientation: Orientation): Buffer[] {
  if (orientation === 1) return [];
  const payload = Buffer.concat([Buffer.from(EXIF_HEAD, 'latin1'), tiffOf(orientation)]);
  const head = Buffer.from([0xff, APP1, 0, payload.length + 2]);
  return [head, payload];
}

function startsWith(payload: Buffer, text: string): boolean {
  return payload.toString('latin1', 0, text.length) === text;
}
