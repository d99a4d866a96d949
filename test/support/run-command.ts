/**
 * A subcommand of `dash-relay` in the test's own process, for tests of what it prints and of its exit code: a process of its
 * own costs half a second. Signals and pipes need one. One at a time: it has the process's environment and streams.
 */
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Subcommand } from '../../src/command-line/subcommand.ts';

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param environment all of it: nothing of the test's own */
export async function runCommand(
  command: Subcommand,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Finished> {
  using stdout = replaceStream('stdout');
  using stderr = replaceStream('stderr');
  using _ = replaceEnvironment(environment);
  const code = await command(args);
  return { code, stdout: await stdout.end(), stderr: await stderr.end() };
}

function replaceStream(name: 'stdout' | 'stderr') {
  const own = Object.getOwnPropertyDescriptor(process, name) ?? {};
  const stream = new PassThrough();
  const written = text(stream);
  Object.defineProperty(process, name, { configurable: true, value: stream });
  return {
    end(): Promise<string> {
      stream.end();
      return written;
    },
    [Symbol.dispose]: () => void Object.defineProperty(process, name, own),
  };
}

function replaceEnvironment(environment: Readonly<Record<string, string>>) {
  const own = process.env;
  process.env = { ...environment };
  return {
    [Symbol.dispose]: () => {
      process.env = own;
    },
  };
}
