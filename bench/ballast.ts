/** Memory that a relay under test holds for nothing, as a leak does, for as long as it is told to. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './temporary-directory.ts';

/** Small enough that no stream waits for it. */
const PIECE_BYTES = 4 * 1024 * 1024;
const LOOK_MS = 125;

export interface Ballast extends Disposable {
  /** JavaScript that the process runs before the relay. */
  readonly script: string;
  /** Has it hold so many bytes, from its next looks on: 32 MB more a second, and less at once. */
  hold(bytes: number): void;
}

export function createBallast(): Ballast {
  const directory = temporaryDirectory('ballast');
  const file = join(directory.path, 'bytes');
  const hold = (bytes: number): void => writeFileSync(file, String(Math.round(bytes)));
  hold(0);
  return { script: scriptOf(file), hold, [Symbol.dispose]: () => directory[Symbol.dispose]() };
}

/** As NODE_OPTIONS has it. */
export function importOption(script: string): string {
  return `--import=data:text/javascript,${encodeURIComponent(script)}`;
}

/** A piece at each look, up to as many bytes as the file says. It is given back at once, without a garbage collection. */
function scriptOf(file: string): string {
  return `
    import { readFileSync } from 'node:fs';
    const held = [];
    setInterval(() => {
      const missing = Number(readFileSync(${JSON.stringify(file)}, 'utf8')) - ${PIECE_BYTES} * held.length;
      if (missing > 0) held.push(new Uint8Array(${PIECE_BYTES}).fill(1));
      else if (missing <= -${PIECE_BYTES}) for (const piece of held.splice(0)) piece.buffer.transfer(0);
    }, ${LOOK_MS}).unref();
  `;
}
