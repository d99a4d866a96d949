/** GIF: its sides, and its one picture without what was written beside it (comments, texts, blocks of applications). */
import { animated, damaged, type Inspected, type Sides } from './inspected.ts';

const HEAD_BYTES = 13;
const EXTENSION = 0x21;
const IMAGE = 0x2c;
const TRAILER = 0x3b;
/** Says which colour is none. */
const GRAPHIC_CONTROL = 0xf9;

/** @throws RelayError bad_request (`damaged`), unsupported (`animated`) */
export function inspectGif(file: Buffer): Inspected {
  if (file.length < HEAD_BYTES) throw damaged('it ends too early');
  const sides = { width: file.readUInt16LE(6), height: file.readUInt16LE(8) };
  let at = HEAD_BYTES + coloursIn(file[10] ?? 0);
  const kept = [file.subarray(0, at)];
  let images = 0;
  for (let block = file[at]; block !== TRAILER; block = file[at]) {
    const start = at;
    if (block === EXTENSION) {
      at = endOfBlocks(file, at + 2);
      if (file[start + 1] === GRAPHIC_CONTROL) kept.push(file.subarray(start, at));
    } else if (block === IMAGE) {
      images += 1;
      if (images > 1) throw animated();
      at = endOfImage(file, at, sides);
      kept.push(file.subarray(start, at));
    } else throw damaged('it ends too early, or has a part that no GIF has');
  }
  if (images === 0) throw damaged('it has no picture');
  return { mediaType: 'image/gif', ...sides, content: Buffer.concat([...kept, Buffer.from([TRAILER])]) };
}

/** Bytes of a table of colours, by the flags that say whether there is one. */
function coloursIn(flags: number): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}

function endOfImage(file: Buffer, at: number, { width, height }: Sides): number {
  if (at + 10 > file.length) throw damaged('it ends too early');
  const [left, top] = [file.readUInt16LE(at + 1), file.readUInt16LE(at + 3)];
  const [across, down] = [file.readUInt16LE(at + 5), file.readUInt16LE(at + 7)];
  if (across === 0 || down === 0 || left + across > width || top + down > height)
    throw damaged('its picture is larger than itself');
  return endOfBlocks(file, at + 10 + coloursIn(file[at + 9] ?? 0) + 1);
}

/** Blocks begin with their length; one of none is the last. */
function endOfBlocks(file: Buffer, from: number): number {
  for (let at = from; at < file.length; at += 1 + (file[at] ?? 0)) if (file[at] === 0) return at + 1;
  throw damaged('it ends too early');
}
