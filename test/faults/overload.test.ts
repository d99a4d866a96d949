/** A relay past what it can: what each kind of caller is told, that live answers go on, and that it ends. */
import { describe, expect, it } from 'vitest';
import { refusedHandshake } from '../http/raw-client.ts';
import { ask } from '../support/http-doors.ts';
import { connectClient, type RelayClient } from '../support/relay-client.ts';
import { startSimulatedRelay, type TestRelay } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';

const QUESTION = { action: 'chat', messages: [{ role: 'user', content: 'Why is the sky blue?' }] };
const OF_PROXY = { service_type: 'chat', payload: { prompt: 'Why is the sky blue?' } };
/** As much of its limit as a machine has in use that refuses, and forgets nobody. */
const SOFT = 0.82;
/** A turn of the event loop, ms, and from which on it is late. */
const TURN_MS = 150;
const LATE_MS = 30;

interface Told {
  readonly code: unknown;
  readonly status?: number;
  readonly waitMs: number;
}

/** Everybody who comes with something new. */
async function tellAll(relay: TestRelay, token: string): Promise<Readonly<Record<string, Told>>> {
  const authorization = `Bearer ${token}`;
  const http = async (path: string, accept = '*/*'): Promise<Told> => {
    const method = path === '/v1/session' ? 'GET' : 'POST';
    const asked = method === 'GET' ? {} : { body: path.endsWith('ai-proxy') ? OF_PROXY : QUESTION };
    const { status, headers, body } = await ask(`${relay.url}${path}`, {
      method,
      token,
      headers: { accept },
      ...asked,
    });
    const { error } = JSON.parse(body) as { readonly error: string | { readonly code: string } };
    const code = typeof error === 'string' ? error : error.code;
    return { status, code, waitMs: 1000 * Number(headers['retry-after']) };
  };
  const handshake = async (path: string): Promise<Told> => {
    const port = Number(new URL(relay.url).port);
    const { status, headers, error } = await refusedHandshake(port, { path, headers: { authorization } });
    return { status, code: error?.['code'], waitMs: 1000 * Number(headers['retry-after']) };
  };
  const asked = {
    handshake: handshake('/v1/ws'),
    'handshake of an old function': handshake('/functions/v1/ai-proxy-ws'),
    session: http('/v1/session'),
    'JSON question': http('/v1/chat'),
    'question for events': http('/v1/chat', 'text/event-stream'),
    'ai-gateway': http('/functions/v1/ai-gateway'),
    'ai-proxy': http('/functions/v1/ai-proxy'),
  };
  const told = await Promise.all(
    Object.entries(asked).map(async ([name, each]) => [name, await each] as const),
  );
  return Object.fromEntries(told);
}

function expectUnavailable(told: Readonly<Record<string, Told>>): void {
  for (const [name, { status, code, waitMs }] of Object.entries(told)) {
    expect([code, status ?? 503], name).toEqual(['unavailable', 503]);
    expect(waitMs, name).toBeGreaterThanOrEqual(1000);
    expect(waitMs, name).toBeLessThanOrEqual(4000);
  }
}

async function refusedFrame(client: RelayClient): Promise<Told> {
  const refused = client.refused('start');
  client.start();
  const { code, retryAfterMs = 0 } = await refused;
  return { code, waitMs: retryAfterMs };
}

async function readiness({ url }: TestRelay): Promise<unknown> {
  const { status, body } = await ask(`${url}/readyz`);
  return { status, ...(JSON.parse(body) as object) };
}

async function metric({ url }: TestRelay, cause: string): Promise<number> {
  const { body } = await ask(`${url}/metrics`);
  return Number(new RegExp(`^dash_overloaded\\{cause="${cause}"\\} (\\S+)$`, 'm').exec(body)?.[1]);
}

describe('a relay that is short of memory', () => {
  it('says so to everybody who comes with something new, with a time to come back', async () => {
    const limit = Math.round(process.memoryUsage.rss() / SOFT);
    await using relay = await startSimulatedRelay({}, { MEMORY_LIMIT_BYTES: String(limit) });
    const token = await relay.token();
    const [line] = await relay.logged('memory pressure changed');
    expect(line).toMatchObject({ level: 'warn', event: 'memory_pressure' });
    expectUnavailable(await tellAll(relay, token));
    expect(await readiness(relay)).toMatchObject({ status: 'overloaded', overload: 'memory' });
    expect(await metric(relay, 'memory')).toBe(1);
    expect(await metric(relay, 'event_loop')).toBe(0);
    expect((await relay.logged('refused'))[0]).toMatchObject({ code: 'unavailable', reason: 'memory' });
    expect(await relay.usageRows()).toEqual([]);
  });
});

describe('a relay whose event loop is late', () => {
  it('refuses what is new with a time to come back, goes on with what runs, and takes new work once it is in time', async () => {
    await using relay = await startSimulatedRelay(
      { pace: { firstTokenMs: 1, deltasPerSecond: 20 } },
      { MAX_EVENT_LOOP_LAG_MS: String(LATE_MS) },
    );
    relay.simulator.always({ deltas: Array.from({ length: 120 }, (_, index) => `word ${index} `) });
    const token = await relay.token();
    await using client = await connectClient({ url: relay.url, token: await relay.token(2) });
    const live = client.start();
    await client.accepted(live);

    const release = holdUp(TURN_MS);
    await relay.logged('event loop overload changed');
    const [told, frame] = await Promise.all([tellAll(relay, token), refusedFrame(client)]);
    expectUnavailable({ ...told, frame });
    expect(await metric(relay, 'event_loop')).toBe(1);
    expect(live.ending).toBeUndefined();
    release();

    const [late, inTime] = await relay.logged('event loop overload changed', 2);
    expect(late).toMatchObject({ level: 'warn', event: 'event_loop_overload', overloaded: true });
    expect(late?.['lagMs']).toBeGreaterThanOrEqual(LATE_MS);
    expect(inTime).toMatchObject({ overloaded: false });
    await eventually('it is ready', async () => (await ask(`${relay.url}/readyz`)).status === 200);
    const next = client.start();
    await client.accepted(next);
    client.cancel(next);
    await client.ended(next);
    expect(await client.ended(live)).toMatchObject({ type: 'done' });
    expect(live.text).toBe(Array.from({ length: 120 }, (_, index) => `word ${index} `).join(''));
    expect(client.connections).toBe(1);
    expect(await relay.usageRows()).toHaveLength(2);
  });

  it('for one turn of two seconds, cuts nobody and refuses nobody', async () => {
    await using relay = await startSimulatedRelay(
      { pace: { firstTokenMs: 1, deltasPerSecond: 50 } },
      { HEARTBEAT_MS: '1000', MAX_EVENT_LOOP_LAG_MS: String(LATE_MS) },
    );
    await using clients = new AsyncDisposableStack();
    const readers: RelayClient[] = [];
    for (let user = 0; user < 20; user += 1)
      readers.push(clients.use(await connectClient({ url: relay.url, token: await relay.token(user) })));
    const streams = readers.map((reader) => reader.start());
    await Promise.all(readers.map((reader, index) => reader.until(() => streams[index]?.epoch)));

    Atomics.wait(CELL, 0, 0, 2000);
    const more = readers.map((reader) => reader.start());
    for (const [index, reader] of readers.entries())
      for (const stream of [streams[index], more[index]])
        if (stream !== undefined) expect(await reader.ended(stream)).toMatchObject({ type: 'done' });
    expect(readers.map(({ connections }) => connections)).toEqual(Array(20).fill(1));
    expect(relay.logLines.filter(({ msg }) => msg === 'event loop overload changed')).toEqual([]);
  });
});

const CELL = new Int32Array(new SharedArrayBuffer(4));

/** Each turn of the event loop takes that long, without a use of the CPU, until what is returned is called. */
function holdUp(ms: number): () => void {
  const timer = setInterval(() => Atomics.wait(CELL, 0, 0, ms), 1);
  return () => clearInterval(timer);
}
