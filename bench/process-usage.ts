/** CPU and memory of a process and all its descendants, as the kernel accounts them (Linux only). */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const MICROS_PER_TICK = 1_000_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** What ticks may be off by: a step of user time and one of system time, at either end. */
const TICK_ERROR = 2 * MICROS_PER_TICK;

/**
 * CPU time from now until the returned function is called, user and system, microseconds.
 * @throws Error when the process has ended
 */
export function startCpu(root: number): () => number {
  const sum = (of: (pid: number) => number) => () =>
    processTree(root).reduce((total, pid) => total + of(pid), 0);
  const [ticks, scheduled] = [sum(tickMicros), sum(scheduledMicros)];
  const before = { ticks: ticks(), scheduled: scheduled() };
  // The scheduler's clock is exact, but forgets threads that ended meanwhile: then the ticks know better.
  return () => Math.max(scheduled() - before.scheduled, ticks() - before.ticks - TICK_ERROR);
}

/** Includes threads that have ended; in steps of 10 ms. */
function tickMicros(pid: number): number {
  const stat = readProcess(pid, 'stat');
  // The name in field 2 may hold spaces: count from its closing bracket. utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MICROS_PER_TICK;
}

/** Of the threads that live, by the scheduler's clock: exact, where the kernel keeps it. */
function scheduledMicros(pid: number): number {
  let nanos = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanos += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ', 1)[0]);
    } catch {
      // The thread has just ended, or this kernel keeps no such file.
    }
  }
  return nanos / 1000;
}

/** CPU time the whole machine has spent on anything, stolen time included, microseconds. */
export function machineCpuMicros(): number {
  const line = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0] ?? '';
  // cpu user nice system idle iowait irq softirq steal
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) * MICROS_PER_TICK;
}

/** Resident memory, megabytes of 10^6 bytes, summed over the tree: pages shared between processes count in each. */
export function residentMb(root: number): number {
  return sumMb(root, 'status', 'VmRSS');
}

/** Proportional share: shared pages count once. Dearer to ask for. */
export function proportionalMb(root: number): number {
  return sumMb(root, 'smaps_rollup', 'Pss');
}

function sumMb(root: number, file: string, key: string): number {
  const kilobytesOf = (pid: number) => kilobytes(readProcess(pid, file), key);
  return processTree(root).reduce((sum, pid) => sum + (kilobytesOf(pid) * 1024) / 1e6, 0);
}

/** @throws Error when the process has ended. */
function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch (error) {
    throw new Error(`the process under test (${pid}) has ended`, { cause: error });
  }
}

function kilobytes(text: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
}

/** Processes that this one has started and that run. */
export function childrenOf(pid: number): readonly number[] {
  return processTree(pid).slice(1);
}

/** Sockets that it has open. */
export function socketsOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((fd) => isSocket(`${folder}/${fd}`)).length;
}

function isSocket(file: string): boolean {
  try {
    return readlinkSync(file).startsWith('socket:');
  } catch {
    return false; // closed since it was listed
  }
}

function processTree(root: number): number[] {
  const pids = [root];
  // The list grows while it is walked: children of children follow.
  for (const pid of pids) {
    const children = readProcess(pid, `task/${pid}/children`).trim();
    if (children !== '') pids.push(...children.split(' ').map(Number));
  }
  return pids;
}
