/** A real PgBouncer before a Postgres server of a test: it can be paused, killed, and started again on the same port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../support/free-port.ts';
import type { PostgresServer } from '../support/postgres.ts';
import { eventually } from '../support/test-run.ts';

export type PoolMode = 'session' | 'transaction';

export interface PgBouncer {
  /** Of Postgres through it, as the relay. */
  readonly url: string;
  /** Takes connections and answers nothing (SIGSTOP). */
  pause(): void;
  resume(): void;
  kill(): Promise<void>;
  start(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** It will not run as root. */
const AS_USER = process.getuid?.() === 0 ? ['-u', 'postgres'] : [];

/** @param connections that it opens to Postgres at most */
export async function startPgBouncer(
  server: PostgresServer,
  mode: PoolMode,
  connections: number,
): Promise<PgBouncer> {
  const directory = mkdtempSync(join(tmpdir(), 'pgbouncer-'));
  chmodSync(directory, 0o755);
  const port = await freePort();
  const url = server.url('relay', port);
  const file = configure(directory, { port, target: server.port, url, mode, connections });
  let bouncer: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (bouncer === undefined || bouncer.exitCode !== null || bouncer.signalCode !== null) return;
    const gone = once(bouncer, 'exit');
    bouncer.kill('SIGKILL');
    await gone;
  };
  const start = async (): Promise<void> => {
    await kill();
    const env = { PATH: `${process.env['PATH']}:/usr/sbin` };
    const started = spawn('pgbouncer', ['-q', ...AS_USER, file], { env, stdio: 'ignore' });
    let failure: Error | undefined;
    started.on('error', (error) => {
      failure = error;
    });
    bouncer = started;
    await eventually('PgBouncer answers', () => {
      if (failure !== undefined) throw failure;
      if (started.exitCode !== null) throw new Error(`pgbouncer ended with ${started.exitCode}`);
      return answers(url);
    });
  };
  await start();
  return {
    url,
    pause: () => void bouncer?.kill('SIGSTOP'),
    resume: () => void bouncer?.kill('SIGCONT'),
    kill,
    start,
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

interface Settings {
  readonly port: number;
  readonly target: number;
  readonly url: string;
  readonly mode: PoolMode;
  readonly connections: number;
}

/** @returns the file of its settings */
function configure(directory: string, { port, target, url, mode, connections }: Settings): string {
  const { username, password } = new URL(url);
  const users = join(directory, 'users.txt');
  const file = join(directory, 'pgbouncer.ini');
  writeFileSync(users, `"${username}" "${password}"\n`);
  writeFileSync(
    file,
    `[databases]
postgres = host=127.0.0.1 port=${target}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = ${mode}
default_pool_size = ${connections}
server_login_retry = 1
`,
  );
  return file;
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}
