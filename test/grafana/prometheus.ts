/** Prometheus's own tools, of the system. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** @returns what it printed @throws Error with that, where it found fault */
export async function promtool(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('promtool', args);
  return stdout;
}
