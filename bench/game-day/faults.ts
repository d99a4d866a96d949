/** The twelve faults: how each begins and ends on the stage, and the alerts that have to fire by it. */

import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { mintTokens } from '../issuer/tokens.ts';
import { type Machine, MEMORY_LIMIT_BYTES } from './machine.ts';
import { AT_LENGTH, HEALTHY, type Stage } from './stage.ts';
import { openSocket } from './visitors.ts';

export interface Fault {
  readonly name: string;
  /** What is done, for the report. */
  readonly injected: string;
  readonly alerts: readonly string[];
  /** Begins it. Resolves to what ends it. */
  begin(stage: Stage): Promise<() => Promise<void> | void>;
}

const SLOW = { ...HEALTHY, pace: { firstTokenMs: [4_000, 6_000], deltasPerSecond: [20, 40] } } as const;
const SLOW_READERS = 24;
/** The relay closes such readers after half a minute. */
const PATIENCE_MS = 300_000;
const BAD_TOKENS_PER_SECOND = 400;
const CRASHES_AFTER_MS = 4_000;
const RESTARTED_AFTER_MS = 1_000;
/** Of its limit that a machine has in use: above 80 %, below 90. */
const FULL = 0.86;

export const FAULTS: readonly Fault[] = [
  {
    name: 'model down',
    injected: 'nobody listens at ANTHROPIC_BASE_URL',
    alerts: ['DashRelayModelFails'],
    async begin({ model }) {
      await model.stop();
      return () => model.start();
    },
  },
  {
    name: 'model slow',
    injected: 'first words after four to six seconds',
    alerts: ['DashRelayFirstTokenSlow'],
    async begin({ model }) {
      model.behaves(SLOW);
      return () => model.behaves();
    },
  },
  {
    name: 'model limits',
    injected: '429 with `retry-after`',
    alerts: ['DashRelayModelLimited'],
    async begin({ model }) {
      model.behaves('rate-limited');
      return () => model.behaves();
    },
  },
  {
    name: 'spend limit',
    injected: '429 `enforced_spend_limit_reached`',
    alerts: ['DashRelayAccountFails'],
    async begin({ model }) {
      model.behaves('spend-limit');
      return () => model.behaves();
    },
  },
  {
    name: 'bad key',
    injected: '401 `authentication_error`',
    alerts: ['DashRelayAccountFails'],
    async begin({ model }) {
      model.behaves('unauthorized');
      return () => model.behaves();
    },
  },
  {
    name: 'Postgres down',
    injected: 'stopped, until a row has waited for an hour',
    alerts: ['DashRelayPostgresDown', 'DashRelayRowsWait'],
    async begin({ postgres }) {
      await postgres.stop();
      return () => postgres.start();
    },
  },
  {
    name: 'Redis deaf',
    injected: 'connected, and says nothing (SIGSTOP)',
    alerts: ['DashRelayRedisDown'],
    async begin({ redis }) {
      redis.freeze();
      return () => redis.thaw();
    },
  },
  {
    name: 'expired keys',
    injected:
      'the issuer signs by a new key, its key set answers 503, and machine b is started anew, which has none',
    alerts: ['DashRelayKeySetOld'],
    async begin({ keys, b }) {
      keys.failing = true;
      keys.rotate();
      await b.kill();
      await b.start();
      return () => {
        keys.failing = false;
      };
    },
  },
  {
    name: 'memory high',
    injected: `machine b holds what it does not need, ${FULL * 100} % of its container's limit in all`,
    alerts: ['DashRelayMemoryHigh'],
    async begin({ b }) {
      b.hold(Math.round(FULL * MEMORY_LIMIT_BYTES - (await residentBytes(b))));
      return () => b.hold(0);
    },
  },
  {
    name: 'slow readers',
    injected: `${SLOW_READERS} clients acknowledge the first piece of a long answer, and nothing after it`,
    alerts: ['DashRelaySlowReaders'],
    async begin({ a, keys }) {
      const tokens = mintTokens(keys.signer, 'slow', SLOW_READERS);
      const sockets = tokens.map((token) => readSlowly(a.url, token));
      return () => {
        for (const socket of sockets) socket.terminate();
      };
    },
  },
  {
    name: 'bad deploy',
    injected: `machine b runs a release that crashes ${CRASHES_AFTER_MS / 1000} s after its start, and is started again`,
    alerts: ['DashRelayRestarts'],
    async begin({ b }) {
      const crash = `setTimeout(() => { throw new Error('a bug') }, ${CRASHES_AFTER_MS})`;
      let bad = true;
      await b.kill();
      const loop = (async () => {
        while (bad) {
          // It may crash before it listens.
          await b.start(crash).catch(() => undefined);
          await b.ended();
          await delay(RESTARTED_AFTER_MS);
        }
      })();
      return async () => {
        bad = false;
        await loop;
        await b.start();
      };
    },
  },
  {
    name: 'token flood',
    injected: `${BAD_TOKENS_PER_SECOND} requests a second of one address with a token of no issuer`,
    alerts: ['DashRelayTokenFlood'],
    async begin({ a }) {
      const timer = setInterval(() => {
        for (let each = 0; each < BAD_TOKENS_PER_SECOND / 20; each += 1) askWithBadToken(a.url);
      }, 50);
      return () => clearInterval(timer);
    },
  },
];

async function residentBytes({ metrics }: Machine): Promise<number> {
  const text = await (await fetch(`http://${metrics}/metrics`)).text();
  return Number(/^dash_process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]);
}

/** Acknowledges one chunk, so that the relay knows what is on its way, and never again. */
function readSlowly(url: string, token: string) {
  const id = 'slow';
  const start = { type: 'start', id, action: 'chat', messages: [{ role: 'user', content: AT_LENGTH }] };
  const socket = openSocket(url, token, () => socket.send(JSON.stringify(start)), PATIENCE_MS);
  socket.on('message', (data: Buffer) => {
    const { type, seq } = JSON.parse(data.toString()) as { type: string; seq?: number };
    if (type === 'chunk' && seq === 1) socket.send(JSON.stringify({ type: 'ack', id, seq }));
  });
  return socket;
}

function askWithBadToken(url: string): void {
  const asked = request(`${url}/v1/session`, {
    headers: { authorization: 'Bearer a.b.c', connection: 'close' },
    agent: false,
  });
  asked.on('response', (response) => response.resume());
  asked.on('error', () => asked.destroy());
  asked.end();
}
