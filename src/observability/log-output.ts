/**
 * Where log lines go: a file descriptor written asynchronously, through a bounded buffer.
 * Whoever reads the log may stall for as long as he likes: lines are dropped and counted, the process never waits.
 */
import { constants, fstatSync, openSync } from 'node:fs';
import { pino } from 'pino';

/** Lines waiting beyond this are dropped: some thousand, bytes. */
const MAX_WAITING_BYTES = 1_048_576;
/** How long a line waits for others to be written with: a write of its own costs as much as a delta, ms. */
const GATHER_MS = 10;

export interface LogOutput {
  /** @param lines one or more, each with its end */
  write(lines: string): void;
  /** Lines lost since the start: the reader stalled, or the disk was full. */
  readonly dropped: number;
  /** Writes out what waits, for `timeoutMs` at most; nothing is written afterwards. */
  close(timeoutMs: number): Promise<void>;
}

/** @param fd default: standard output */
export function openLogOutput(fd = 1): LogOutput {
  const stream = pino.destination({
    dest: nonBlocking(fd),
    sync: false,
    // Written by `flush`, or by so many bytes at once.
    minLength: 8192,
    maxLength: MAX_WAITING_BYTES,
  });
  let dropped = 0;
  let waitingBytes = 0;
  stream.on('drop', (lines: string) => {
    dropped += linesIn(lines);
    waitingBytes -= Buffer.byteLength(lines);
  });
  stream.on('write', (bytes: number) => {
    waitingBytes -= bytes;
  });
  let open = true;
  // A full disk: what waits is tried again with the next line, until the buffer is full. A pipe whose reader has gone
  // never takes a line again.
  stream.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') open = false;
  });
  let gathering: NodeJS.Timeout | undefined;
  const gather = (): void => {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      stream.flush();
    }, GATHER_MS);
  };
  // A flush does nothing while a write is under way: what came meanwhile would wait for the next line.
  stream.on('drain', () => {
    if (open && waitingBytes > 0) gather();
  });
  return {
    write(lines) {
      if (open) {
        waitingBytes += Buffer.byteLength(lines);
        stream.write(lines);
        gather();
      } else dropped += linesIn(lines);
    },
    get dropped() {
      return dropped;
    },
    async close(timeoutMs) {
      if (!open) return;
      open = false;
      clearTimeout(gathering);
      await flushed(stream, () => waitingBytes > 0, timeoutMs);
      // Otherwise pino would flush once more at exit, synchronously, and never end before a stalled reader.
      stream.destroy();
    },
  };
}

function linesIn(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}

/**
 * A blocking write into a full pipe would hold a thread of the pool, and the process could not even exit: it joins
 * that thread. The pipe is opened anew, because the flag would be shared with whoever gave us the descriptor.
 */
function nonBlocking(fd: number): number {
  try {
    if (!fstatSync(fd).isFIFO()) return fd;
    return openSync(`/dev/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    // Another user's pipe: no better than it was.
    return fd;
  }
}

function flushed(
  stream: ReturnType<typeof pino.destination>,
  isLagging: () => boolean,
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    const timeout = setTimeout(resolve, timeoutMs);
    const done = (): void => {
      clearTimeout(timeout);
      resolve();
    };
    stream.on('drain', () => (isLagging() ? stream.flush() : done()));
    stream.on('error', done);
    stream.flush();
  });
}
