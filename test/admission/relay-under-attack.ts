/** A relay as it is installed, with all limits at their defaults and the simulated model, and users at one address. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { dataDirectory } from '../support/relay-process.ts';

export interface AttackedRelay extends AsyncDisposable {
  readonly port: number;
  readonly alive: boolean;
  /** Megabytes of 10^6 bytes; NaN once it has ended. */
  readonly residentMb: number;
  token(user: number): Promise<string>;
}

/** Its module, and where its process runs. */
export interface RelayProgram {
  readonly module: string;
  readonly folder: string;
}

/** @param descriptors `ulimit -n` of the process */
export async function startRelay(
  { module, folder }: RelayProgram,
  descriptors: number,
): Promise<AttackedRelay> {
  const directory = dataDirectory();
  const env = { PATH: process.env['PATH'], PORT: '0', HOST: '127.0.0.1', DATA_DIR: directory.path };
  const command = `ulimit -n ${descriptors}; exec "$0" "$1"`;
  const child = spawn('bash', ['-c', command, process.execPath, module], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const reap = () => void child.kill('SIGKILL');
  process.once('exit', reap);
  const exited = once(child, 'exit');
  const listening = Promise.withResolvers<number>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.includes('"msg":"listening"')) listening.resolve((JSON.parse(line) as { port: number }).port);
  });
  child.once('exit', (code) =>
    listening.reject(new Error(`the relay ended with ${code} before it listened`)),
  );
  const port = await listening.promise;
  const alive = () => child.exitCode === null && child.signalCode === null;
  return {
    port,
    get alive() {
      return alive();
    },
    get residentMb() {
      return alive() ? residentMb(child.pid ?? 0) : Number.NaN;
    },
    token: (user) => mint(port, user),
    async [Symbol.asyncDispose]() {
      process.off('exit', reap);
      child.kill('SIGKILL'); // how it stops is not what is measured here
      await exited;
      directory[Symbol.dispose]();
    },
  };
}

function residentMb(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return (Number(kilobytes) * 1024) / 1e6;
}

async function mint(port: number, user: number): Promise<string> {
  await delay(15); // who mints many is one address too
  const sub = `00000000-0000-4000-8000-${String(user).padStart(12, '0')}`;
  const response = await fetch(`http://127.0.0.1:${port}/dev/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ sub }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}
