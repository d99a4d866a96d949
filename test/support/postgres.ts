/** A real Postgres server for one test file, with the relay's tables: it can be stopped, paused, and started again. */

import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Certificate } from './certificate.ts';
import { freePort } from './free-port.ts';
import { createCluster, serverOf, type User, urlOf } from './postgres-cluster.ts';

export interface PostgresServer {
  readonly port: number;
  /** Of the owner of everything, `postgres`; or of the relay, which may do only what its role may. */
  url(user: User, port?: number): string;
  /** One statement as the owner, on a connection of its own. */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** `pg_ctl stop -m fast`: running statements are cut off. */
  stop(): Promise<void>;
  /** Does nothing while it runs. */
  start(): Promise<void>;
  /** Its processes hold still (SIGSTOP): connections stay and nothing answers. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

export interface PostgresOptions {
  /** False: an empty database. */
  readonly migrated?: boolean;
  /** Settings of the server, `name=value`. */
  readonly settings?: readonly string[];
  /** Lets connections be encrypted. */
  readonly certificate?: Certificate;
}

export async function startPostgres({
  migrated = true,
  settings = [],
  certificate,
}: PostgresOptions = {}): Promise<PostgresServer> {
  const directory = mkdtempSync(join(tmpdir(), 'postgres-'));
  // As root, the server runs as another user.
  await chmod(directory, 0o777);
  const dataDir = join(directory, 'data');
  const port = await freePort();
  const options = [...(certificate === undefined ? [] : ['ssl=on']), ...settings];
  const server = serverOf(dataDir, port, options);
  await createCluster(dataDir, migrated);
  if (certificate !== undefined) installCertificate(dataDir, certificate);
  await server.start();
  let running = true;
  const url: PostgresServer['url'] = (user, at = port) => urlOf(user, at);
  const processes = () =>
    processTree(Number(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n', 1)[0]));
  const signal = (name: NodeJS.Signals) => {
    for (const pid of processes()) signalProcess(pid, name);
  };
  const query: PostgresServer['query'] = async (text, values) => {
    const client = new pg.Client({ connectionString: url('owner') });
    // Also the server's end is no reason to crash.
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(text, values === undefined ? undefined : [...values])).rows;
    } finally {
      await client.end();
    }
  };
  return {
    port,
    url,
    query,
    async stop() {
      if (running) await server.stop();
      running = false;
    },
    async start() {
      if (!running) await server.start();
      running = true;
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async close() {
      if (running) await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The server takes a key only from its own user. */
function installCertificate(dataDir: string, { cert, key }: Certificate): void {
  const { uid, gid } = statSync(dataDir);
  for (const [name, text] of [
    ['server.crt', cert],
    ['server.key', key],
  ] as const) {
    writeFileSync(join(dataDir, name), text, { mode: 0o600 });
    chownSync(join(dataDir, name), uid, gid);
  }
}

/** The process of a connection may have ended since it was listed. */
function signalProcess(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') throw cause;
  }
}

/** A process and its children, from /proc; elsewhere only itself. */
function processTree(parent: number): number[] {
  try {
    const children = readdirSync('/proc').filter((name) => {
      if (!/^\d+$/.test(name)) return false;
      const [, , , ppid] = statOf(name);
      return ppid === String(parent);
    });
    return [parent, ...children.map(Number)];
  } catch {
    return [parent];
  }
}

function statOf(pid: string): string[] {
  try {
    // Names of processes may hold spaces; they stand in brackets.
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/\(.*\)/, '-')
      .split(' ');
  } catch {
    return [];
  }
}
