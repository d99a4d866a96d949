import { afterAll, beforeAll, expect, it } from 'vitest';
import { userId } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { KEYS, type Machines, relayAt, startMachines } from './machines.ts';

const STREAMS = 3;
const STARTS = 8;

let machines: Machines;

beforeAll(async () => {
  machines = await startMachines(
    2,
    { pace: { firstTokenMs: 20, deltasPerSecond: 20 } },
    { MAX_STREAMS_PER_USER: String(STREAMS), STARTS_PER_MINUTE: String(STARTS) },
  );
});
afterAll(() => machines[Symbol.asyncDispose]());

async function clientsOf(user: number) {
  const clients = [0, 1].map((index) => machines.client(relayAt(machines, index), { user }));
  await Promise.all(clients.map((client) => client.connect()));
  const [here, there] = clients;
  if (here === undefined || there === undefined) throw new Error('there are two');
  return { here, there };
}

it('a user has so many live streams on all machines together', async () => {
  const { here, there } = await clientsOf(1);
  const live = Array.from({ length: STREAMS }, (_, index) => (index % 2 === 0 ? here : there).start());
  await here.until(
    () => live.every(({ epoch }, index) => index % 2 === 1 || epoch !== undefined) || undefined,
  );
  await there.until(() => live.every(({ epoch }) => epoch !== undefined) || undefined);
  for (const client of [here, there]) {
    client.start();
    expect(await client.refused('start')).toMatchObject({ code: 'too_many_streams', retryable: true });
  }
  const [ended] = live;
  if (ended === undefined) throw new Error('there is one');
  here.cancel(ended);
  await here.ended(ended);
  const count = () => machines.redis.client.hlen(`${KEYS}:live:${userId(1)}`);
  await eventually('the others have heard of it', async () => (await count()) < STREAMS);
  const next = there.start();
  await there.accepted(next);
});

it('a user makes so many starts a minute on all machines together', async () => {
  const { here, there } = await clientsOf(2);
  for (let count = 0; count < STARTS; count += 1) {
    const client = count % 2 === 0 ? here : there;
    const stream = client.start();
    await client.accepted(stream);
    client.cancel(stream);
    await client.ended(stream);
  }
  for (const client of [here, there]) {
    const refused = client.refused('start');
    client.start();
    expect(await refused).toMatchObject({ code: 'rate_limited', retryable: true });
  }
});

it('a counter of starts that ends in a year is not believed', async () => {
  await machines.redis.client.set(`dash:test:starts:${userId(3)}`, 1000, 'EX', 31_536_000);
  const { here } = await clientsOf(3);
  for (let count = 0; count < STARTS; count += 1) {
    const stream = here.start();
    await here.accepted(stream);
    here.cancel(stream);
    await here.ended(stream);
  }
  here.start();
  expect(await here.refused('start')).toMatchObject({ code: 'rate_limited', retryable: true });
});
