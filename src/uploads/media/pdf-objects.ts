/**
 * The objects of a PDF by their numbers, as text: those that stand in the file, and those inside its compressed streams. Only so
 * much is read as counting pages needs, and only so much inflated as no honest file of this size exceeds.
 */
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { damaged } from './inspected.ts';

const OBJECT = /(?<!\d)(\d{1,9})\s{1,2}\d{1,5}\s{1,2}obj\b/g;
const MAX_OBJECTS = 100_000;
const MAX_OBJECT_STREAMS = 2000;
/** Of one dictionary: the longest list of pages that is worth reading. */
const MAX_DICTIONARY = 65_536;
/** Of all compressed streams together. */
const MAX_INFLATED = 16 * 1024 * 1024;

const inflated = promisify(inflate);

/** Number → its dictionary or array, up to a stream of it. Of several the last stands. */
export type PdfObjects = ReadonlyMap<number, string>;

/** @throws RelayError bad_request (`damaged`) */
export async function objectsOf(file: Buffer, text: string): Promise<PdfObjects> {
  const starts: { readonly number: number; readonly at: number; readonly body: number }[] = [];
  for (const match of text.matchAll(OBJECT)) {
    if (starts.length >= MAX_OBJECTS) throw damaged('it has too many objects');
    starts.push({ number: Number(match[1]), at: match.index, body: match.index + match[0].length });
  }
  const objects = new Map<number, string>();
  const streams: { readonly dictionary: string; readonly from: number }[] = [];
  for (const [index, { number, body }] of starts.entries()) {
    const limit = Math.min(starts[index + 1]?.at ?? text.length, body + MAX_DICTIONARY);
    const [dictionary = ''] = text.slice(body, limit).split(/\bendobj\b|\bstream\r?\n/, 1);
    objects.set(number, dictionary);
    if (/\/Type\s*\/ObjStm\b/.test(dictionary)) streams.push({ dictionary, from: body + dictionary.length });
  }
  if (streams.length > MAX_OBJECT_STREAMS) throw damaged('it has too many streams');
  await addCompressed(objects, streams, file, text);
  return objects;
}

async function addCompressed(
  objects: Map<number, string>,
  streams: readonly { readonly dictionary: string; readonly from: number }[],
  file: Buffer,
  text: string,
): Promise<void> {
  let room = MAX_INFLATED;
  let end = 0;
  for (const { dictionary, from } of streams) {
    const start = from + (/^stream\r?\n/.exec(text.slice(from, from + 10))?.[0].length ?? 0);
    if (start < end) throw damaged('its streams lie in one another'); // each byte is read once, however many begin
    end = text.indexOf('endstream', start);
    if (end < 0) throw damaged('it ends too early');
    const data = await inflatedStream(file.subarray(start, end), dictionary, room);
    room -= data.length;
    for (const [number, object] of objectsIn(data.toString('latin1'), dictionary))
      objects.set(number, object);
  }
}

async function inflatedStream(stream: Buffer, dictionary: string, room: number): Promise<Buffer> {
  if (!/\/Filter\s{0,8}\[?\s{0,8}\/FlateDecode\b/.test(dictionary)) return stream;
  try {
    return await inflated(stream, { maxOutputLength: room });
  } catch (cause) {
    const isBomb = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw damaged(isBomb ? 'its streams are too large' : 'a stream of it cannot be read');
  }
}

/** Its head has pairs of a number and an offset. */
function* objectsIn(text: string, dictionary: string): Generator<readonly [number, string]> {
  const first = numberIn(dictionary, 'First');
  const pairs = text
    .slice(0, first)
    .trim()
    .split(/\s+/, 2 * MAX_OBJECTS)
    .map(Number);
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    const from = first + (pairs[index + 1] ?? 0);
    const to = first + (pairs[index + 3] ?? text.length);
    yield [pairs[index] ?? 0, text.slice(from, Math.min(to, from + MAX_DICTIONARY))];
  }
}

function numberIn(dictionary: string, name: string): number {
  const [, digits] = new RegExp(`/${name}\\s+(\\d{1,9})\\b`).exec(dictionary) ?? [];
  if (digits === undefined) throw damaged('a stream of it cannot be read');
  return Number(digits);
}
