/**
 * Many users on two machines, each with a word of its own: in everything that comes to one of them stands no word of
 * another, and in what the operator keeps stands none at all.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDashClient } from '../../src/client/index.ts';
import { Random } from '../../src/simulator/random.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { type Balancer, startBalancer } from '../many-machines/balancer.ts';
import { tokenOf } from '../many-machines/machines.ts';
import { startRedis } from '../many-machines/redis-server.ts';
import { type SpanCollector, startSpanCollector } from '../observability/span-collector.ts';
import { ask } from '../support/http-doors.ts';
import { type ComposedRelay, startRelay, upstreamAt, userId } from '../support/relay-process.ts';
import { eventually, LONG, report, SEED } from '../support/test-run.ts';
import { TEST_ISSUER, TEST_SECRET } from '../support/token-mint.ts';
import { UserEar } from './user-ear.ts';

const USERS = 50;
const ROUNDS = LONG ? 20 : 1;
const STORM_CUTS = LONG ? 20 : 3;
const PACE = { firstTokenMs: [1, 20], deltasPerSecond: [500, 2000] } as const;
/** Every user has one of this name. */
const SAME_ID = 'the-same-id-for-everybody';
const UNKNOWN_EPOCH = 'AAAAAAAAAAAAAAAA';

const canaryOf = (user: number): string => `canary-${user}-of-${SEED}.`;
const CANARY = new RegExp(`canary-(\\d+)-of-${SEED}`, 'g');
/** Whose words stand in it. */
const usersIn = (text: string): Set<number> =>
  new Set([...text.matchAll(CANARY)].map(([, user]) => Number(user)));

const open = new AsyncDisposableStack();
let simulator: Simulator;
let machines: readonly ComposedRelay[];
let balancer: Balancer;
let collector: SpanCollector;
let users: readonly UserEar[];

beforeAll(async () => {
  const redis = open.use(await startRedis());
  collector = open.use(await startSpanCollector());
  simulator = open.adopt(await startSimulator({ pace: PACE }), (model) => model.close());
  // An answer is made of nothing but the word of who asked.
  simulator.always(({ question }) => {
    const word = question.match(CANARY)?.[0] ?? 'nobody';
    return { deltas: Array<string>(new Random(word).integer(20, 60)).fill(`${word}. `) };
  });
  const settings = {
    ...upstreamAt(simulator.url),
    SUPABASE_JWT_SECRET: TEST_SECRET,
    SUPABASE_JWT_ISSUER: TEST_ISSUER,
    REDIS_URL: redis.url,
    REDIS_PREFIX: 'dash:isolation',
    LOG_LEVEL: 'trace',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  };
  machines = [open.use(await startRelay(settings)), open.use(await startRelay(settings))];
  for (const machine of machines) await machine.logged('redis is reached');
  balancer = open.use(await startBalancer(...machines.map(({ url }) => Number(new URL(url).port))));
  users = Array.from(
    { length: USERS },
    (_, number) => new UserEar({ number, token: tokenOf(number), canary: canaryOf(number) }),
  );
});
afterAll(() => open.disposeAsync());

const machineOf = (turn: number): string => machines[turn % machines.length]?.url ?? '';
const shared = (): string => `http://127.0.0.1:${balancer.port}`;

/** Nobody heard anybody else, and everybody something. */
function expectKept(): void {
  for (const { number, heard } of users)
    expect([...usersIn(heard.join('\n'))], `user ${number}`).toEqual([number]);
}

describe('fifty users at once', () => {
  it.each(Array.from({ length: ROUNDS }, (_, round) => round))(
    'at every transport and machine, round %i',
    {
      timeout: 180_000,
    },
    async (round) => {
      await Promise.all(
        users.map(async (user) => {
          const [here, there] = [machineOf(user.number), machineOf(user.number + 1)];
          const id = `${SAME_ID}-${round}`;
          const client = await user.connect(here);
          const stream = client.start(user.question(id));
          const epoch = await client.accepted(stream);
          const position = { 'last-event-id': `${epoch}.0` };
          await user.request(`${there}/v1/streams/${id}`, 'GET', undefined, position);
          await client.ended(stream);
          await client.close();
          const others = [
            () => user.askWhole(there, id), // the same question is the same run
            () => user.askEvents(there, `${id}-events`),
            () => user.askAgUi(here, String(round)),
            () => user.askOld(here, round % 2 === 0),
            () => user.askOldSocket(there, round % 2 === 0 ? 'ai-gateway-ws' : 'ai-proxy-ws'),
            () => user.askOldSocket(there, round % 2 === 0 ? 'ai-proxy-ws' : 'ai-gateway-ws'),
          ];
          for (const [place, other] of others.entries())
            if (LONG || place === user.number % others.length) await other();
          for (const path of ['/v1/session', '/v1/usage']) await user.request(there + path);
        }),
      );
      expectKept();
    },
  );

  it('cut again and again, each resumes its own answer on whichever machine', async () => {
    const clients = await Promise.all(
      users.map(async (user) => {
        const client = await user.connect(shared(), true);
        return { client, stream: client.start(user.question(`${SAME_ID}-in-a-storm`)) };
      }),
    );
    for (let cut = 0; cut < STORM_CUTS; cut += 1) {
      await Promise.all(
        clients.map(({ client, stream }) => client.until(() => stream.seq > cut || stream.ending)),
      );
      balancer.cut();
    }
    for (const [number, { client, stream }] of clients.entries()) {
      await client.ended(stream);
      expect([...usersIn(stream.text)], `user ${number}`).toEqual([number]);
      await client.close();
    }
    expectKept();
  });

  it('who guesses the id and knows the epoch of another is told what is told of one that is absent', async () => {
    const id = `${SAME_ID}-guessed`;
    const victims = users.filter(({ number }) => number % 5 === 0);
    const epochs = await Promise.all(
      victims.map(async (victim) => {
        const ownId = `${id}-of-${victim.number}`;
        await using client = await victim.connect(machineOf(victim.number));
        const stream = client.start(victim.question(ownId));
        await client.ended(stream);
        return { id: ownId, epoch: stream.epoch ?? '', number: victim.number };
      }),
    );
    const strangers = users.filter(({ number }) => number % 5 === 1);
    await Promise.all(
      strangers.map(async (stranger, turn) => {
        const target = epochs[turn % epochs.length] ?? { id, epoch: UNKNOWN_EPOCH, number: 0 };
        for (const epoch of [target.epoch, UNKNOWN_EPOCH]) {
          for (const machine of [0, 1]) {
            const foreign = await told(stranger, machineOf(machine), target.id, epoch);
            expect(foreign).toEqual(await told(stranger, machineOf(machine), 'an-id-that-nobody-has', epoch));
          }
        }
      }),
    );
    expectKept();
  });
});

/** Everything that one is told who asks for a stream, but for the ids of requests. */
async function told(user: UserEar, url: string, id: string, epoch: string): Promise<unknown[]> {
  await using client = await user.connect(url);
  const words: unknown[] = [];
  for (const frame of [
    { type: 'resume', id, epoch, after: 0 },
    { type: 'cancel', id },
    { type: 'ack', id, seq: 1 },
  ] as const) {
    const refused = client.refused(frame.type);
    client.send(JSON.stringify(frame));
    const { id: _, ...answer } = await refused;
    words.push(answer);
  }
  for (const [method, path, headers] of [
    ['GET', '', { 'last-event-id': `${epoch}.0` }],
    ['GET', '/state', {}],
    ['DELETE', '', {}],
  ] as const) {
    const { status, body } = await ask(`${url}/v1/streams/${id}${path}`, {
      method,
      token: user.token,
      headers,
    });
    user.heard.push(body);
    const { requestId: _, ...error } = (JSON.parse(body) as { error: { requestId: string } }).error;
    words.push({ status, ...error });
  }
  return words;
}

it('one client object whose users come and go: what was asked before a sign-out never reaches who comes after', async () => {
  const [first, second] = [canaryOf(1), canaryOf(2)];
  let signedIn = 1;
  const heard = { 1: '', 2: '' };
  let leaves = Promise.withResolvers<void>();
  const client = createDashClient({ url: shared(), getToken: () => tokenOf(signedIn) });
  const askAs = (user: 1 | 2) =>
    client.stream(
      { action: 'chat', messages: [{ role: 'user', content: canaryOf(user) }] },
      {
        onChunk: (text) => {
          heard[user] += text;
          if (signedIn !== user) heard[signedIn as 1 | 2] += text;
          if (user === 2) return;
          // At its first words: a moment later the whole answer may be there.
          client.signOut();
          leaves.resolve();
        },
      },
    );
  for (let turn = 0; turn < STORM_CUTS; turn += 1) {
    signedIn = 1;
    leaves = Promise.withResolvers<void>();
    const left = askAs(1);
    const code = left.final.catch(({ code: why }: { code: string }) => why);
    await leaves.promise;
    await nextTurn(); // what had arrived by then was told
    signedIn = 2;
    const answer = await askAs(2).final;
    expect(await code).toBe('detached');
    expect(answer.content).toMatch(new RegExp(`^(${second} ?)+$`));
    await expect(client.attach(left.id, left.position.epoch ?? '', 0).final).rejects.toMatchObject({
      code: 'unknown_stream',
    });
    client.signOut();
  }
  client.close();
  expect(heard[2]).not.toContain(first);
});

it('and in logs, metrics, traces and ledgers of both machines stands no word of anybody', async () => {
  simulator.script(({ question }) => ({
    body: `event: error\ndata: ${JSON.stringify({ error: { type: 'api_error', message: question } })}\n\n`,
  }));
  const [user] = users;
  await user?.askWhole(machineOf(0), `${SAME_ID}-that-fails`);
  for (const path of [`/${canaryOf(0)}`, `/v1/streams/${canaryOf(0)}`])
    await user?.request(machineOf(1) + path);
  await eventually('the last spans are sent', () => collector.posted.length > 0);
  for (const machine of machines) {
    const files = readdirSync(machine.dataDir, { recursive: true, withFileTypes: true }).filter((each) =>
      each.isFile(),
    );
    const places: Readonly<Record<string, string>> = {
      'the log': machine.logText.join(''),
      metrics: (await ask(`${machine.url}/metrics`)).body,
      traces: collector.posted.map(({ body }) => body.toString('latin1')).join(''),
      ...Object.fromEntries(
        files.map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name), 'latin1')]),
      ),
    };
    expect(places['the log']).toContain(userId(1));
    for (const [place, text] of Object.entries(places)) expect([...usersIn(text)], place).toEqual([]);
  }
});

if (LONG)
  it('how long an answer takes tells no more than its words: a foreign id against an absent one', {
    timeout: 300_000,
  }, async () => {
    const [owner, stranger] = [users[0], users[1]];
    if (owner === undefined || stranger === undefined) throw new Error('no users');
    await owner.askWhole(machineOf(0), 'timed');
    const times: Record<'timed' | 'absen', number[]> = { timed: [], absen: [] };
    for (let turn = 0; turn < 3000; turn += 1) {
      const id = turn % 2 === 0 ? 'timed' : 'absen';
      const began = performance.now();
      expect(await stranger.request(`${machineOf(turn >> 1)}/v1/streams/${id}/state`)).toBe(404);
      times[id].push(performance.now() - began);
    }
    const share = shareOfLonger(times.timed, times.absen);
    report(`a foreign id takes longer than an absent one in ${(share * 100).toFixed(1)} % of all pairs`);
    // Of two equal distributions it is one half; 1,500 of each know it to 1 %.
    expect(Math.abs(share - 0.5)).toBeLessThan(0.06);
  });

/** Of all pairs, the share in which the first is longer (Mann and Whitney). */
function shareOfLonger(first: readonly number[], second: readonly number[]): number {
  const sorted = second.toSorted((a, b) => a - b);
  let longer = 0;
  for (const value of first) {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    longer += low;
  }
  return longer / (first.length * second.length);
}
