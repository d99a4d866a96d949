/** WebP: its sides, and the picture without what was written beside it (EXIF, XMP, colour profiles, unknown chunks). */
import { EXIF_HEAD, type Orientation, orientationIn, tiffOf } from './exif.ts';
import { animated, damaged, type Inspected, MAX_PARTS, type Sides } from './inspected.ts';

const RIFF_BYTES = 12;
const FLAG_ALPHA = 0x10;
const FLAG_EXIF = 0x08;
const FLAG_ANIMATION = 0x02;

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

/** @throws RelayError bad_request (`damaged`), unsupported (`animated`) */
export function inspectWebp(file: Buffer): Inspected {
  const chunks = [...chunksOf(file)];
  const first = chunks[0];
  const canvas = first?.type === 'VP8X' ? canvasOf(first.data) : undefined;
  if (canvas !== undefined && (canvas.flags & FLAG_ANIMATION || chunks.some(({ type }) => type === 'ANMF')))
    throw animated();
  const pictures = chunks.filter(({ type }) => type === 'VP8 ' || type === 'VP8L');
  const [picture] = pictures;
  if (picture === undefined || pictures.length > 1) throw damaged('it has no picture, or two');
  if (canvas === undefined && picture !== first) throw damaged('it has parts before its picture');
  const sides = picture.type === 'VP8 ' ? lossySides(picture.data) : losslessSides(picture.data);
  if (canvas !== undefined && (canvas.width !== sides.width || canvas.height !== sides.height))
    throw damaged('it has two sizes');
  const { flags = 0 } = canvas ?? {};
  // Without a head that tells of it, it would stand before the picture of a file that may have nothing there.
  const alpha = flags & FLAG_ALPHA ? chunks.filter(({ type }) => type === 'ALPH').slice(0, 1) : [];
  const content = fileOf([...alpha, picture], sides, orientationOf(chunks), flags);
  return { mediaType: 'image/webp', ...sides, content };
}

function* chunksOf(file: Buffer): Generator<Chunk> {
  const end = file.length < RIFF_BYTES ? 0 : 8 + file.readUInt32LE(4);
  if (end < RIFF_BYTES || end > file.length) throw damaged('it ends too early');
  let at = RIFF_BYTES;
  for (let parts = 0; at < end; parts += 1) {
    if (parts > MAX_PARTS) throw damaged('it has too many parts');
    const length = at + 8 > end ? end : file.readUInt32LE(at + 4);
    if (at + 8 + length > end) throw damaged('it ends too early');
    yield { type: file.toString('latin1', at, at + 4), data: file.subarray(at + 8, at + 8 + length) };
    at += 8 + length + (length % 2);
  }
}

function canvasOf(data: Buffer): Sides & { readonly flags: number } {
  if (data.length !== 10) throw damaged('its head is of no kind of WebP');
  return { flags: data[0] ?? 0, width: 1 + data.readUIntLE(4, 3), height: 1 + data.readUIntLE(7, 3) };
}

/** Of a key frame; the two highest bits of each side say how to scale it. */
function lossySides(data: Buffer): Sides {
  const isKeyFrame = data.length > 10 && ((data[0] ?? 1) & 1) === 0 && data.readUIntBE(3, 3) === 0x9d012a;
  if (!isKeyFrame) throw damaged('its picture does not begin as one');
  const [width, height] = [data.readUInt16LE(6) & 0x3fff, data.readUInt16LE(8) & 0x3fff];
  if (width === 0 || height === 0) throw damaged('it has a side of no length');
  return { width, height };
}

function losslessSides(data: Buffer): Sides {
  if (data.length < 6 || data[0] !== 0x2f) throw damaged('its picture does not begin as one');
  const bits = data.readUInt32LE(1);
  return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
}

function orientationOf(chunks: readonly Chunk[]): Orientation {
  const { data } = chunks.find(({ type }) => type === 'EXIF') ?? {};
  if (data === undefined) return 1;
  return orientationIn(
    data.toString('latin1', 0, EXIF_HEAD.length) === EXIF_HEAD ? data.subarray(EXIF_HEAD.length) : data,
  );
}

/** Its head is needed only where there is more than the picture. */
function fileOf(picture: readonly Chunk[], sides: Sides, orientation: Orientation, flags: number): Buffer {
  const isTurned = orientation !== 1;
  const head = Buffer.alloc(10);
  head[0] = (flags & FLAG_ALPHA) | (isTurned ? FLAG_EXIF : 0);
  head.writeUIntLE(sides.width - 1, 4, 3);
  head.writeUIntLE(sides.height - 1, 7, 3);
  const chunks = [
    ...(head[0] === 0 ? [] : [{ type: 'VP8X', data: head }]),
    ...picture,
    ...(isTurned ? [{ type: 'EXIF', data: tiffOf(orientation) }] : []),
  ];
  const body = Buffer.concat(chunks.flatMap(chunkBytes));
  const riff = Buffer.alloc(RIFF_BYTES);
  riff.write('RIFF', 'latin1');
  riff.writeUInt32LE(4 + body.length, 4);
  riff.write('WEBP', 8, 'latin1');
  return Buffer.concat([riff, body]);
}

function chunkBytes({ type, data }: Chunk): Buffer[] {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32LE(data.length, 4);
  return [head, data, Buffer.alloc(data.length % 2)];
}
