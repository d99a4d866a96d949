import { once } from 'node:events';
import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { connectClient } from '../support/relay-client.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';

const PACE = { firstTokenMs: 20, deltasPerSecond: 200 } as const;

/** Asks, and returns how to hang up once the run has begun. */
type Leave = (relay: SimulatedRelay, body: object) => Promise<() => void>;

async function askOverHttp(relay: SimulatedRelay, body: object, accept: string): Promise<() => void> {
  const headers = {
    'content-type': 'application/json',
    accept,
    authorization: `Bearer ${await relay.token()}`,
  };
  const sent = request(`${relay.url}/v1/chat`, { method: 'POST', agent: false, headers });
  sent.on('error', () => {}); // hanging up is one
  sent.end(JSON.stringify(body));
  if (accept === 'text/event-stream') {
    const [response] = await once(sent, 'response');
    response.on('error', () => {}).resume();
  }
  return () => sent.destroy();
}

const DOORS: Readonly<Record<string, Leave>> = {
  socket: async (relay, body) => {
    const client = await connectClient({ url: relay.url, token: await relay.token() });
    client.send({ type: 'start', ...body });
    return () => client.drop();
  },
  'plan frame': async (relay, { id: _, ...body }: { id?: string }) => {
    const client = await connectClient({ url: relay.url, token: await relay.token() });
    client.send(body);
    return () => client.drop();
  },
  events: (relay, body) => askOverHttp(relay, body, 'text/event-stream'),
  whole: (relay, body) => askOverHttp(relay, body, 'application/json'),
};

describe.each(Object.entries(DOORS))('a client that leaves the door "%s"', (name, leave) => {
  const body = { id: 'somebody-who-leaves', action: 'chat', messages: [{ role: 'user', content: 'Why?' }] };

  it('with onDisconnect "cancel": the run is cancelled, and its upstream request is closed', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE }, { ALLOWED_MODELS: 'sim:stall' });
    const hangUp = await leave(relay, { ...body, model: 'sim:stall', onDisconnect: 'cancel' });
    await eventually('it is called', () => relay.simulator.stats.open === 1);
    hangUp();
    await relay.logged('stream ended');
    expect(await relay.usageRows()).toMatchObject([{ status: 'cancelled' }]);
    expect(relay.simulator.requests).toMatchObject([{ aborted: true }]);
  });

  it('with onDisconnect "resume": the run goes on to its end', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const hangUp = await leave(relay, { ...body, onDisconnect: 'resume' });
    await relay.logged('stream started');
    hangUp();
    await relay.logged('stream ended');
    expect(await relay.usageRows()).toMatchObject([{ status: 'done', source: 'final' }]);
  });

  it('with onDisconnect "resume" and does not come back: the run ends as abandoned', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE }, { ABANDON_AFTER_MS: '50' });
    const hangUp = await leave(relay, { ...body, model: 'sim:stall', onDisconnect: 'resume' });
    await eventually('it is called', () => relay.simulator.stats.open === 1);
    hangUp();
    await relay.logged('stream ended');
    expect(await relay.usageRows()).toMatchObject([{ status: 'error', code: 'abandoned' }]);
    expect(relay.simulator.stats.open).toBe(0);
  });

  it('and says nothing of it: an id means resume, none means cancel', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const hangUp = await leave(relay, body);
    await relay.logged('stream started');
    hangUp();
    await relay.logged('stream ended');
    expect(await relay.usageRows()).toMatchObject([{ status: name === 'plan frame' ? 'cancelled' : 'done' }]);
  });
});
