/** Where below DATA_DIR there are ledgers: one of a single process, and one of each of several. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ledgerFile } from './schema.ts';

const WORKER = /^worker-([1-9]\d{0,2})$/;

/** The directory of a process. @param worker its number; undefined where it is the only one */
export function ledgerDirectory(dataDir: string, worker: number | undefined): string {
  return worker === undefined ? dataDir : join(dataDir, `worker-${worker}`);
}

/** The number in the name of a worker's directory; undefined of any other. */
export function workerOf(directory: string): number | undefined {
  const [, number] = WORKER.exec(directory.split(/[/\\]/).at(-1) ?? '') ?? [];
  return number === undefined ? undefined : Number(number);
}

/** All that hold a ledger, whoever wrote it: that of a single process first, then those of workers by their numbers. */
export function ledgerDirectories(dataDir: string): readonly string[] {
  if (!existsSync(dataDir)) return [];
  const workers = readdirSync(dataDir)
    .map(workerOf)
    .filter((number) => number !== undefined)
    .sort((a, b) => a - b)
    .map((number) => ledgerDirectory(dataDir, number));
  return [dataDir, ...workers].filter((directory) => existsSync(ledgerFile(directory)));
}
