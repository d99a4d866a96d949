/** The orientation of a photo, all that is kept of what a camera writes: found in EXIF, and written as EXIF of its own. */

/** 1: as it is stored. The others are turned or mirrored by whoever shows it. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** What EXIF begins with in a JPEG, and in some WebP files. */
export const EXIF_HEAD = 'Exif\0\0';

const ORIENTATION_TAG = 0x0112;
const SHORT = 3;
const HEADER_BYTES = 8;
const ENTRY_BYTES = 12;
const MAX_ENTRIES = 512;

/** @param tiff what follows EXIF_HEAD. What cannot be read says nothing: 1 */
export function orientationIn(tiff: Buffer): Orientation {
  if (tiff.length < HEADER_BYTES) return 1;
  const order = tiff.toString('latin1', 0, 2);
  if (order !== 'II' && order !== 'MM') return 1;
  const short = (at: number): number => (order === 'II' ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = order === 'II' ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  if (directory + 2 > tiff.length) return 1;
  const entries = Math.min(short(directory), MAX_ENTRIES);
  for (let index = 0; index < entries; index += 1) {
    const at = directory + 2 + index * ENTRY_BYTES;
    if (at + ENTRY_BYTES > tiff.length) return 1;
    if (short(at) === ORIENTATION_TAG && short(at + 2) === SHORT) return orientation(short(at + 8));
  }
  return 1;
}

function orientation(value: number): Orientation {
  return value >= 1 && value <= 8 ? (value as Orientation) : 1;
}

/** EXIF that says nothing else. */
export function tiffOf(value: Orientation): Buffer {
  const tiff = Buffer.alloc(HEADER_BYTES + 2 + ENTRY_BYTES + 4);
  tiff.write('MM\0*', 'latin1');
  tiff.writeUInt32BE(HEADER_BYTES, 4);
  tiff.writeUInt16BE(1, 8);
  tiff.writeUInt16BE(ORIENTATION_TAG, 10);
  tiff.writeUInt16BE(SHORT, 12);
  tiff.writeUInt32BE(1, 14);
  tiff.writeUInt16BE(value, 18);
  return tiff;
}
