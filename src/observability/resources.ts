/**
 * What this process may have of the system, and what it has of it, read so that it can be asked at the worst moment:
 * nothing here opens a file once the process serves.
 */
import { openSync, readFileSync, readSync } from 'node:fs';

/** Of the numbers in `/proc/self/statm`, in pages: size, resident, … */
const RESIDENT = 1;

/** How many files and sockets it may have open: Linux' soft limit, which Node has raised to the hard one by then. */
export function descriptorLimit(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
  return soft === undefined ? undefined : Number(soft);
}

/** Open for good, and once: a process may compose more than one relay. */
let statm: number | undefined;

/**
 * A function that tells the resident bytes. On Linux Node's own opens a file each time, and throws where the process has
 * no descriptor left; so one is kept open.
 */
export function residentMemory(): () => number {
  if (process.platform !== 'linux') return () => process.memoryUsage.rss();
  statm ??= openSync('/proc/self/statm', 'r');
  const file = statm;
  const text = Buffer.alloc(128);
  const pages = (): number => {
    const length = readSync(file, text, 0, text.length, 0);
    return Number(text.toString('latin1', 0, length).split(' ')[RESIDENT]);
  };
  // Pages are larger than 4 KB on some machines.
  const pageBytes = 2 ** Math.round(Math.log2(process.memoryUsage.rss() / pages()));
  return () => pages() * pageBytes;
}
