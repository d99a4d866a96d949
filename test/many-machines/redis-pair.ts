/**
 * A Redis with a replica behind one address that leads to whichever is the primary. The primary can be lost, with all
 * that it had not passed on yet; then the replica is promoted and gets a replica of its own.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '../support/test-run.ts';
import { type Balancer, startBalancer } from './balancer.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

export interface RedisPair {
  /** Of the primary, whichever that is. */
  readonly url: string;
  /** The primary of the moment. */
  readonly primary: RedisServer;
  /**
   * The primary is killed and the replica promoted.
   * @param lagMs what the primary was told in the last so many ms is lost
   * @param awayMs how long nobody answers
   */
  failOver(lagMs: number, awayMs: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Replica {
  readonly server: RedisServer;
  /** Between it and its primary. */
  readonly wire: Balancer;
}

/** A replica is served at once instead of five seconds later. */
const SETTINGS = { 'repl-diskless-sync-delay': 0 };

export async function startRedisPair(): Promise<RedisPair> {
  let primary = await startRedis(SETTINGS);
  let replica = await startReplica(primary);
  const wire = await startBalancer(primary.port);
  return {
    url: `redis://127.0.0.1:${wire.port}`,
    get primary() {
      return primary;
    },
    async failOver(lagMs, awayMs) {
      replica.wire.partition();
      await wait(lagMs);
      wire.route();
      wire.cut();
      await primary[Symbol.asyncDispose]();
      await replica.wire[Symbol.asyncDispose]();
      primary = replica.server;
      await primary.client.replicaof('NO', 'ONE');
      await wait(awayMs);
      wire.route(primary.port);
      replica = await startReplica(primary);
    },
    async [Symbol.asyncDispose]() {
      await wire[Symbol.asyncDispose]();
      await replica.wire[Symbol.asyncDispose]();
      await replica.server[Symbol.asyncDispose]();
      await primary[Symbol.asyncDispose]();
    },
  };
}

async function startReplica(primary: RedisServer): Promise<Replica> {
  const wire = await startBalancer(primary.port);
  const server = await startRedis({ ...SETTINGS, replicaof: `127.0.0.1 ${wire.port}` });
  const isInSync = async () => (await server.client.info('replication')).includes('master_link_status:up');
  await eventually('the replica is in sync', isInSync);
  return { server, wire };
}
