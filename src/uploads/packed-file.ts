/** A file with its facts as one piece of bytes: the length of the facts, the facts as JSON, the file. */
import type { Upload } from '../protocol/frames.ts';
import type { UploadedFile } from './port.ts';

const LENGTH_BYTES = 4;
const MAX_FACTS_BYTES = 4096;
/** So many first bytes hold the facts. */
export const FACTS_BYTES = LENGTH_BYTES + MAX_FACTS_BYTES;

export function packed({ facts, content }: UploadedFile): Buffer {
  const head = Buffer.from(JSON.stringify(facts));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, content]);
}

/** Undefined where it is none, or was cut. */
export function unpacked(bytes: Buffer): UploadedFile | undefined {
  const facts = factsIn(bytes);
  return facts && { facts, content: bytes.subarray(endOfFacts(bytes)) };
}

/** @param bytes the file, or its first ones. @param size of it; undefined where it is nothing that was packed whole */
export function factsIn(bytes: Buffer, size = bytes.length): Upload | undefined {
  const end = endOfFacts(bytes);
  if (end > Math.min(bytes.length, FACTS_BYTES)) return undefined;
  try {
    const facts = JSON.parse(bytes.toString('utf8', LENGTH_BYTES, end)) as Upload;
    return size === end + facts.bytes && typeof facts.expiresAt === 'number' ? facts : undefined;
  } catch {
    return undefined;
  }
}

function endOfFacts(bytes: Buffer): number {
  return bytes.length < LENGTH_BYTES ? Number.POSITIVE_INFINITY : LENGTH_BYTES + bytes.readUInt32BE(0);
}
