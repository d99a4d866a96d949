/** A real Redis on a free loopback port with nothing on disk that outlives it. The test holds it by its process. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { freePort } from '../support/free-port.ts';

export type RedisSettings = Readonly<Record<string, string | number>>;

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** A connection of the test's own. */
  readonly client: Redis;
  /** Nothing is answered until `thaw`; connections stay. */
  freeze(): void;
  thaw(): void;
  /** Ends it, with all it holds. */
  stop(): Promise<void>;
  /** A new one on the same port, empty. */
  restart(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** @param settings of redis.conf beside those of this file */
export async function startRedis(settings: RedisSettings = {}): Promise<RedisServer> {
  const directory = mkdtempSync(join(tmpdir(), 'redis-'));
  const port = await freePort();
  let server = await launch(port, directory, settings);
  const client = new Redis(port, '127.0.0.1');
  client.on('error', () => {});
  const stop = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    client,
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    stop,
    async restart() {
      await stop();
      server = await launch(port, directory, settings);
    },
    async [Symbol.asyncDispose]() {
      client.disconnect();
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function launch(port: number, directory: string, more: RedisSettings): Promise<ChildProcess> {
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: directory,
    save: '',
    appendonly: 'no',
    daemonize: 'no',
    ...more,
  };
  const server = spawn(
    'redis-server',
    Object.entries(settings).flatMap(([key, value]) => [`--${key}`, String(value)]),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  server.on('error', () => reject(new Error('these tests need redis-server: apt-get install redis-server')));
  server.on('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
  createInterface({ input: server.stdout }).on('line', (line) => {
    if (line.includes('Ready to accept connections')) resolve();
  });
  await ready;
  return server;
}
