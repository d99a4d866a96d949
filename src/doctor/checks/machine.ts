/** What this machine gives a relay: descriptors, disk, and whether another relay has the data directory. */
import { statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Config } from '../../config/environment.ts';
import { spareDescriptors } from '../../http/admission/descriptors.ts';
import { isDirectoryLocked } from '../../ledger/directory-lock.ts';
import { ledgerDirectories } from '../../ledger/ledger-directories.ts';
import { descriptorLimit } from '../../observability/resources.ts';
import { fix, type Line, note, ok } from '../line.ts';

const MB = 1_000_000;
/** A day of a million answers is some 500 MB. */
const LITTLE_BYTES = 1000 * MB;
const TOO_LITTLE_BYTES = 100 * MB;

export async function checkMachine(config: Config): Promise<readonly Line[]> {
  return [...workerLines(config), ...descriptorLines(config), await diskLine(config), ...lockLines(config)];
}

function workerLines({ WORKERS: count }: Config): Line[] {
  if (count === 1) return [];
  const cores = availableParallelism();
  const text = `WORKERS: ${count} processes on ${cores} ${cores === 1 ? 'core' : 'cores'}`;
  return count > cores ? [note(`${text}: more than one a core cost memory and give nothing`)] : [ok(text)];
}

/** Each process may have so many. */
function descriptorLines({ MAX_CONNECTIONS: wanted, WORKERS: count, production }: Config): Line[] {
  const limit = descriptorLimit();
  if (limit === undefined) return [];
  const room = count * Math.floor(limit - spareDescriptors(limit));
  if (room >= wanted) return [ok(`files: ${limit} may be open, and MAX_CONNECTIONS is ${wanted}`)];
  const text = `files: ${limit} may be open, which is room for ${room} connections, and MAX_CONNECTIONS is ${wanted}: raise the limit (ulimit -n, LimitNOFILE of systemd, --ulimit of docker), or lower MAX_CONNECTIONS`;
  return [production ? fix(text) : note(text)];
}

async function diskLine({ DATA_DIR: directory }: Config): Promise<Line> {
  const { bavail, bsize, files, ffree } = await statfs(directory);
  const free = bavail * bsize;
  const shown = free >= 1000 * MB ? `${(free / MB / 1000).toFixed(1)} GB` : `${Math.floor(free / MB)} MB`;
  const text = `DATA_DIR: can be written, with ${shown} free`;
  if (files > 0 && ffree === 0)
    return fix('DATA_DIR: its file system has no inode left: no file can be made; remove some');
  if (free < TOO_LITTLE_BYTES) return fix(`${text}: answers are refused once it is full; make room`);
  return free < LITTLE_BYTES ? note(`${text}: answers are refused once it is full`) : ok(text);
}

function lockLines({ DATA_DIR: directory }: Config): Line[] {
  return [directory, ...ledgerDirectories(directory)].some(isDirectoryLocked)
    ? [note('DATA_DIR: a relay runs on it; another one needs a directory of its own')]
    : [];
}
