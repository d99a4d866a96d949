/** `dash-relay load` as it is typed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import type { LoadFigures } from '../../src/load/figures.ts';
import type { Threshold } from '../../src/load/thresholds.ts';
import { relayProgram } from '../support/relay-program.ts';

const CLI = await relayProgram('cli');

export interface LoadProcess {
  readonly child: ChildProcess;
  /** What it has said of its progress so far. */
  readonly progress: () => string;
  readonly finished: Promise<{
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
}

/** Nothing of this process's environment names a relay or a token. Killed at the end of the test. */
export function startLoad(...args: readonly string[]): LoadProcess {
  const child = spawn(process.execPath, [CLI, 'load', ...args], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const finished = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { child, progress: () => stderr, finished };
}

export type JsonOfLoad = LoadFigures & { readonly thresholds: readonly Threshold[] };

/** A load that ends by itself, with `--json`. */
export async function figuresOfLoad(
  ...args: readonly string[]
): Promise<JsonOfLoad & { readonly code: number | null }> {
  const { code, stdout, stderr } = await startLoad('--json', ...args).finished;
  if (stdout === '') throw new Error(`no figures: ${stderr}`);
  return { code, ...(JSON.parse(stdout) as JsonOfLoad) };
}
