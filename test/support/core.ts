/** The core with everything around it in memory and under the test's hand. */
import type { Authenticator, Principal } from '../../src/auth/port.ts';
import { ModelTable } from '../../src/models/model-table.ts';
import type { Observer } from '../../src/observability/port.ts';
import { RelayError } from '../../src/protocol/relay-error.ts';
import type { Quota } from '../../src/quota/port.ts';
import { Relay, type RelayOptions } from '../../src/relay/relay.ts';
import type { Actions, RequestPolicy } from '../../src/run/request.ts';
import { MemoryStreamLogs } from '../../src/stream-log/memory.ts';
import { FakeSocket } from './fake-socket.ts';
import { ManualClock } from './manual-clock.ts';
import { createMemoryLedger } from './memory-ledger.ts';
import { noteActivity } from './quiet.ts';
import { createScriptedUpstream } from './scripted-upstream.ts';

export const ALICE = '11111111-1111-4111-8111-111111111111';
export const BOB = '22222222-2222-4222-8222-222222222222';

const ACTIONS: Actions = new Map([
  [
    'chat',
    {
      system: 'Be kind. {{template}}',
      defaultMaxTokens: 100,
      maxTokens: 200,
      thinking: 'off',
      allEvents: false,
    },
  ],
  [
    'think_aloud',
    {
      system: '',
      defaultMaxTokens: 100,
      maxTokens: 200,
      thinking: { display: 'summarized' },
      allEvents: false,
    },
  ],
  ['trace', { system: '', defaultMaxTokens: 100, maxTokens: 200, thinking: 'off', allEvents: true }],
]);

const POLICY: RequestPolicy = {
  actionsOf: () => ({ plan: 'free', actions: ACTIONS }),
  defaultModel: 'claude-test',
  allowedModels: new Set(['claude-test', 'claude-other']),
  models: ModelTable.load(),
  userHash: (userId) => `hash of ${userId}`,
};

export function principal(userId: string, expiresAt: number): Principal {
  const token = { issuedAt: null, sessionId: null, keyId: 'test' };
  return { userId, organizationId: null, tier: null, anonymous: false, expiresAt, token };
}

/** Tokens are `<user id>@<expiry in Unix ms>`; `unavailable` plays a key set that cannot be had. */
export const tokenTable: Authenticator = {
  ready: true,
  keySet: null,
  current: (who) => who,
  withdrawn: () => false,
  start: async () => {},
  close() {},
  async verify(token) {
    noteActivity();
    const [userId = '', expiresAt] = token.split('@');
    if (userId === 'unavailable') throw new RelayError('unavailable', 'no keys');
    if (expiresAt === undefined) throw new RelayError('unauthorized', 'sign in again');
    return principal(userId, Number(expiresAt));
  },
};

/** Everything fits. */
export const NO_QUOTA: Quota = {
  reserve: async () => ({ promptTokens: 0 }),
  correct() {},
  settle() {},
  release() {},
  usageOf: async () => ({ plan: 'none', quotas: [] }),
};

type Recorded = { [K in keyof Observer]: { kind: K; event: Parameters<Observer[K]>[0] } }[keyof Observer];

export function createCore(overrides: Partial<RelayOptions> = {}) {
  const clock = new ManualClock();
  const upstream = createScriptedUpstream();
  const ledger = createMemoryLedger();
  const logs = new MemoryStreamLogs({ maxBytes: 1 << 20, totalBytes: 1 << 26 });
  const observed: Recorded[] = [];
  const record =
    <K extends keyof Observer>(kind: K) =>
    (event: Parameters<Observer[K]>[0]) => {
      noteActivity();
      observed.push({ kind, event } as Recorded);
    };
  const observer: Observer = {
    connectionOpened: record('connectionOpened'),
    connectionClosed: record('connectionClosed'),
    streamStarted: record('streamStarted'),
    streamEnded: record('streamEnded'),
    deltaAfter() {},
    refused: record('refused'),
    resumed: record('resumed'),
    cancelAsked: record('cancelAsked'),
    passedOn: record('passedOn'),
    promptCounted: record('promptCounted'),
    slowReader: record('slowReader'),
    requestAnswered: record('requestAnswered'),
    clientReported: record('clientReported'),
    answerReported: record('answerReported'),
    failed: record('failed'),
  };
  const relay = new Relay({
    version: 'test',
    authenticator: tokenTable,
    upstream,
    logs,
    ledger,
    quota: NO_QUOTA,
    startLimit: { take: async () => undefined },
    observer,
    clock,
    policy: () => POLICY,
    showCost: false,
    countTokensAbove: 0,
    heartbeatMs: 25_000,
    resumeWindowMs: 120_000,
    abandonAfterMs: 60_000,
    limitsOf: () => ({ streams: 32, startsPerMinute: 60 }),
    isRevoked: () => false,
    isEnabled: () => true,
    limits: { streams: 16, frameBytes: 262_144, framesPerMinute: 240 },
    ...overrides,
  });
  let connections = 0;
  const connect = (userId = ALICE, expiresInMs = 3_600_000): FakeSocket => {
    const socket = new FakeSocket();
    connections += 1;
    const info = { connectionId: `c${connections}`, principal: principal(userId, clock.now() + expiresInMs) };
    return socket.attach(relay.connect(socket, info));
  };
  /** The usage rows as an operator would read them. */
  const rows = () =>
    [...ledger.rows.values()].map(({ intent, settlement }) => ({
      ...intent,
      status: settlement?.status ?? 'running',
      code: settlement?.code ?? null,
      usage: settlement?.usage,
    }));
  return { clock, upstream, ledger, rows, logs, observer, observed, relay, connect };
}

export type Core = ReturnType<typeof createCore>;

export function start(id: string, fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { type: 'start', id, action: 'chat', messages: [{ role: 'user', content: 'hi' }], ...fields };
}
