/** A Redis server of our own: in memory only, on a free port. */
import { spawnSync } from 'node:child_process';
import { Redis } from 'ioredis';
import { freePort } from '../../test/support/free-port.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { startServer } from './server-process.ts';

export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Whether anything was appended to a stream. */
  wasWritten(): Promise<boolean>;
}

/** @throws Error where it is not installed */
export async function startRedis(): Promise<RedisServer> {
  if (spawnSync('redis-server', ['--version']).status !== 0)
    throw new Error('redis-server not found: apt-get install redis-server');
  const port = await freePort();
  const directory = temporaryDirectory('redis');
  const server = await startServer({
    name: 'redis-server',
    command: 'redis-server',
    args: ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', directory.path],
    port,
  });
  const url = `redis://127.0.0.1:${port}`;
  return {
    url,
    pid: server.pid,
    async wasWritten() {
      const client = new Redis(url);
      const statistics = await client.info('commandstats');
      client.disconnect();
      return statistics.includes('cmdstat_xadd');
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}
