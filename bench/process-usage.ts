/** CPU and memory of a process and all its descendants, as the kernel accounts them (Linux only). */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Memory {
  /** VmRSS, megabytes of 10^6 bytes summed over the tree; pages shared between processes count in each. */
  readonly rssMb: number;
  /** Proportional share: shared pages count once. */
  readonly pssMb: number;
}

const MICROS_PER_TICK = 1_000_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU time used so far, user and system, microseconds. */
export function cpuMicros(root: number): number {
  let ticks = 0;
  for (const pid of processTree(root)) {
    const stat = readProcess(pid, 'stat');
    // The name in field 2 may hold spaces: count from its closing bracket. utime and stime are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * MICROS_PER_TICK;
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

export function memory(root: number): Memory {
  let rss = 0;
  let pss = 0;
  for (const pid of processTree(root)) {
    rss += kilobytes(readProcess(pid, 'status'), 'VmRSS');
    pss += kilobytes(readProcess(pid, 'smaps_rollup'), 'Pss');
  }
  return { rssMb: (rss * 1024) / 1e6, pssMb: (pss * 1024) / 1e6 };
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

function processTree(root: number): number[] {
  const pids = [root];
  // The list grows while it is walked: children of children follow.
  for (const pid of pids) {
    const children = readProcess(pid, `task/${pid}/children`).trim();
    if (children !== '') pids.push(...children.split(' ').map(Number));
  }
  return pids;
}
