/**
 * One user's streams on everything they have: two tabs at one machine, the SDK of a phone and a third client at another, each
 * cut off again and again. What all of them are told of one stream is compared.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import { createDashClient, type DashClient } from '../../src/client/index.ts';
import type { EndingFrame } from '../../src/protocol/frames.ts';
import { Random } from '../../src/simulator/random.ts';
import { HeldStream } from '../support/held-stream.ts';
import { ask, resumeEvents } from '../support/http-doors.ts';
import type { RelayClient } from '../support/relay-client.ts';
import type { RelayChild } from '../support/relay-process.ts';
import { SEED } from '../support/test-run.ts';
import { type Balancer, startBalancer } from './balancer.ts';
import { type Machines, portOf, relayAt, tokenOf } from './machines.ts';

/** Between two cuts, ms: long enough that some readers are whole and some are on their way back. */
const PAUSE_MS = [10, 60] as const;
const DELTAS = Array.from({ length: 150 }, (_, at) => `word ${at} é, `);
const TEXT = DELTAS.join('');

export interface Devices {
  readonly tabs: readonly [RelayClient, RelayClient];
  readonly elsewhere: RelayClient;
  readonly phone: DashClient;
  /** What the phone's network does. */
  readonly network: Balancer;
  readonly here: RelayChild;
  readonly there: RelayChild;
  readonly machines: Machines;
}

export async function devicesOf(machines: Machines, open: AsyncDisposableStack): Promise<Devices> {
  machines.simulator.always({ deltas: DELTAS });
  const [here, there] = [relayAt(machines, 0), relayAt(machines, 1)];
  const connected = async (at: RelayChild): Promise<RelayClient> => {
    const client = machines.client(at, { reconnects: true });
    await client.connect();
    return client;
  };
  const network = open.use(await startBalancer(portOf(there)));
  const phone = createDashClient({
    url: `http://127.0.0.1:${network.port}`,
    getToken: () => tokenOf(),
  });
  open.defer(() => phone.close());
  return {
    tabs: [await connected(here), await connected(here)],
    elsewhere: await connected(there),
    phone,
    network,
    here,
    there,
    machines,
  };
}

let asked = 0;

/** Starts it in both tabs at once, and follows it by its id alone elsewhere. */
async function followed({ tabs, elsewhere, phone }: Devices) {
  asked += 1;
  const id = `answer-${asked}-of-one-user`;
  for (const client of [...tabs, elsewhere]) await client.until(() => client.isConnected || undefined);
  const [first, second] = tabs.map((tab) => tab.start({ id })) as [HeldStream, HeldStream];
  await tabs[0].accepted(first);
  await elsewhere.until(() => elsewhere.isConnected || undefined);
  const third = elsewhere.adopt(first);
  third.epoch = undefined;
  elsewhere.send({ type: 'resume', id, after: 0 });
  return { id, held: [first, second, third] as const, onPhone: phone.attach(id) };
}

/** Streams until there were so many cuts. Gives how many streams it took. */
export async function throughCuts(devices: Devices, cuts: number): Promise<number> {
  const { tabs, elsewhere, network, machines, here, there } = devices;
  const random = new Random(SEED);
  const cut = [() => tabs[0].drop(), () => tabs[1].drop(), () => elsewhere.drop(), () => network.cut()];
  const requests = machines.simulator.requests.length;
  let left = cuts;
  let streams = 0;
  for (; left > 0; streams += 1) {
    const { id, held, onPhone } = await followed(devices);
    const endings = Promise.all([
      ...held.map((stream, index) => [...tabs, elsewhere][index]?.ended(stream)),
      onPhone.final,
    ]);
    let isOver = false;
    const over = endings.finally(() => {
      isOver = true;
    });
    over.catch(() => {}); // told below
    for (; !isOver && left > 0; left -= 1) {
      cut[random.integer(0, cut.length - 1)]?.();
      await wait(random.integer(...PAUSE_MS));
    }
    await over;
    const late = new HeldStream(held[0].startFrame, id);
    late.epoch = held[0].epoch;
    await resumeEvents(there.url, tokenOf(), late);
    for (const { text, ending } of [...held, late]) {
      expect(text).toBe(TEXT);
      expect(ending).toEqual(held[0].ending);
    }
    expect(held[0].ending).toMatchObject({ type: 'done', textLength: TEXT.length });
    expect(await onPhone.final).toMatchObject({ outcome: 'done', content: TEXT });
  }
  expect(machines.simulator.requests.length - requests).toBe(streams);
  const rows = [...(await here.usageRows()), ...(await there.usageRows())];
  expect(new Set(rows.map(({ streamId }) => streamId)).size).toBe(rows.length);
  return streams;
}

/** Stops streams, each from another one of their readers. Gives how long it took until the last of them had the ending, ms. */
export async function stops(devices: Devices, count: number): Promise<readonly number[]> {
  const { tabs, elsewhere, machines, there } = devices;
  machines.simulator.always({ deltas: Array.from({ length: 20 }, () => DELTAS).flat() }); // none ends by itself
  const took: number[] = [];
  for (let round = 0; round < count; round += 1) {
    const { id, held, onPhone } = await followed(devices);
    const clients = [...tabs, elsewhere];
    for (const [index, stream] of held.entries())
      await clients[index]?.until(() => stream.seq > 2 || undefined);
    while (onPhone.position.after < 3) await wait(2);
    const stop = [
      ...clients.map((client) => () => client.send({ type: 'cancel', id })),
      () => void onPhone.cancel(),
      () => void ask(`${there.url}/v1/streams/${id}`, { method: 'DELETE', token: tokenOf() }),
    ];
    const sentAt = performance.now();
    stop[round % stop.length]?.();
    const told: (EndingFrame | undefined)[] = await Promise.all(
      held.map((stream, index) => clients[index]?.ended(stream)),
    );
    const answer = await onPhone.final;
    took.push(performance.now() - sentAt);
    for (const [index, stream] of held.entries()) {
      expect(told[index]).toEqual(told[0]);
      expect(stream.text).toBe(held[0].text);
    }
    expect(told[0]).toMatchObject({ type: 'cancelled', textLength: held[0].text.length });
    expect(answer).toMatchObject({ outcome: 'cancelled', content: held[0].text });
  }
  expect(machines.simulator.stats.open).toBe(0);
  return took;
}
