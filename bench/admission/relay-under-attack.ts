/** A relay as it is installed, with all limits at their defaults and the simulated model, and users at one address. */
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { startProgram, stopProgram } from '../child.ts';
import { residentMb } from '../process-usage.ts';
import { temporaryDirectory } from '../temporary-directory.ts';

export interface AttackedRelay extends AsyncDisposable {
  readonly port: number;
  readonly alive: boolean;
  readonly residentMb: number;
  token(user: number): Promise<string>;
}

/** @param descriptors `ulimit -n` of the process */
export async function startRelay(source: string, descriptors: number): Promise<AttackedRelay> {
  const directory = temporaryDirectory('admission');
  const env = { PATH: process.env['PATH'], PORT: '0', HOST: '127.0.0.1', DATA_DIR: directory.path };
  const command = `ulimit -n ${descriptors}; exec "$0" src/main.ts`;
  const child = startProgram('bash', ['-c', command, process.execPath], {
    cwd: source,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (child.stdout === null) throw new Error('no output');
  const listening = Promise.withResolvers<number>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.includes('"msg":"listening"')) listening.resolve((JSON.parse(line) as { port: number }).port);
  });
  child.once('exit', (code) =>
    listening.reject(new Error(`the relay ended with ${code} before it listened`)),
  );
  const port = await listening.promise;
  const pid = child.pid ?? 0;
  return {
    port,
    get alive() {
      return child.exitCode === null && child.signalCode === null;
    },
    get residentMb() {
      return child.exitCode === null ? residentMb(pid) : Number.NaN;
    },
    token: (user) => mint(port, user),
    async [Symbol.asyncDispose]() {
      await stopProgram(child, 4000);
      directory[Symbol.dispose]();
    },
  };
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
