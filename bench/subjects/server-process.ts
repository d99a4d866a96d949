/** A server in a process of its own, with its output in a file: started, found ready, stopped. Knows no particular one. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { startProgram, stopProgram } from '../child.ts';
import { until } from '../deadline.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import type { Environment } from './port.ts';

export interface ServerCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly workingDirectory?: string;
  /** The whole environment but for PATH and HOME. */
  readonly environment?: Environment;
  /** Default: it accepts a connection on `port`. */
  readonly ready?: () => Promise<boolean>;
  readonly port: number;
}

export interface ServerProcess extends AsyncDisposable {
  readonly pid: number;
  log(): string;
}

const READY_MS = 30_000;
/** A relay in development drains for 2 s. */
const STOP_MS = 5000;
const LOG_TAIL = 2000;

/** @throws Error with the end of its log when it is not ready in time */
export async function startServer(server: ServerCommand): Promise<ServerProcess> {
  const { name, command, args, workingDirectory, environment, port } = server;
  const ready = server.ready ?? (() => accepts(port));
  const directory = temporaryDirectory('server');
  const logFile = join(directory.path, 'output.log');
  const output = openSync(logFile, 'a');
  const { PATH, HOME } = process.env;
  const child = startProgram(command, args, {
    ...(workingDirectory === undefined ? {} : { cwd: workingDirectory }),
    stdio: ['ignore', output, output],
    env: { PATH, HOME, ...environment },
  });
  closeSync(output);
  const log = () => readFileSync(logFile, 'utf8').slice(-LOG_TAIL);
  const stop = async () => {
    await stopProgram(child, STOP_MS);
    directory[Symbol.dispose]();
  };
  try {
    await until(READY_MS, `${name} to be ready`, async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended while starting`);
      return ready();
    });
  } catch (error) {
    const tail = log();
    await stop();
    throw new Error(`unable to start ${name}; its output ends:\n${tail}`, { cause: error });
  }
  return { pid: child.pid ?? 0, log, [Symbol.asyncDispose]: stop };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
