import { describe, expect, it } from 'vitest';
import { Random } from '../../src/simulator/random.ts';
import { DOORS } from '../support/doors.ts';
import { ask, type ChatBody } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import { startSimulatedRelay, userId } from '../support/relay-process.ts';
import { SEED } from '../support/test-run.ts';

const USERS = 40;
const PACE = { firstTokenMs: [1, 50], deltasPerSecond: [200, 1000] } as const;
const SAME_ID = 'the-same-id-for-everybody';

const canaryOf = (user: number): string => `canary-${user}-of-${SEED}.`;

function question(user: number): ChatBody {
  return { id: SAME_ID, action: 'chat', messages: [{ role: 'user', content: canaryOf(user) }] };
}

/** An answer that is made of nothing but the asker's own canary. */
function answerTo(canary: string): string[] {
  const times = new Random(canary).integer(50, 150);
  return Array.from({ length: times }, () => canary);
}

it('forty users with one id at all doors at once: each reads its own answer, and its own row', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  relay.simulator.always(({ question: canary }) => ({ deltas: answerTo(canary) }));
  const held = await Promise.all(
    Array.from({ length: USERS }, async (_, user) => {
      const door = DOORS[user % DOORS.length];
      return await door?.ask(relay.url, await relay.token(user), question(user));
    }),
  );
  for (const [user, answer] of held.entries()) {
    expect(answer, `user ${user}`).toMatchObject({ ending: 'done', text: answerTo(canaryOf(user)).join('') });
  }
  const rows = await relay.usageRows();
  expect(rows.map((row) => row.userId).toSorted()).toEqual(
    Array.from({ length: USERS }, (_, user) => userId(user)),
  );
  for (const [user, answer] of held.entries()) {
    expect(rows.find((row) => row.userId === userId(user))).toMatchObject({ ...answer?.usage });
  }
});

describe("another user's run", () => {
  it('cannot be read, cancelled or acknowledged, at any door: the words are those for a run that is absent', async () => {
    await using relay = await startSimulatedRelay({ pace: { firstTokenMs: 1, deltasPerSecond: 50 } });
    relay.simulator.always(({ question: canary }) => ({ deltas: answerTo(canary) }));
    await using owner = await connectClient({ url: relay.url, token: await relay.token(1) });
    await using stranger = await connectClient({ url: relay.url, token: await relay.token(2) });
    const run = owner.start(question(1));
    await owner.until(() => run.seq > 2 || undefined);

    const told = async (id: string) => {
      const words: unknown[] = [];
      for (const type of ['resume', 'cancel', 'ack'] as const) {
        const refused = stranger.refused(type);
        const fields = { resume: { epoch: run.epoch, after: 1 }, cancel: {}, ack: { seq: 1 } }[type];
        stranger.send({ type, id, ...fields });
        const { id: _, ...answer } = await refused;
        words.push(answer);
      }
      const token = await relay.token(2);
      for (const method of ['GET', 'DELETE']) {
        const headers = method === 'GET' ? { 'last-event-id': `${run.epoch}.1` } : {};
        const { status, body } = await ask(`${relay.url}/v1/streams/${id}`, { method, token, headers });
        const { error } = JSON.parse(body) as { error: object };
        words.push({ status, ...error, requestId: 'differs' });
      }
      return words;
    };
    const ofForeign = await told(SAME_ID);
    expect(ofForeign).toEqual(await told('an-id-that-nobody-has'));
    for (const answer of ofForeign) expect(answer).toMatchObject({ code: 'unknown_stream' });
    expect(JSON.stringify(stranger.answers)).not.toContain(canaryOf(1));

    // The id is free for the stranger, and means a run of its own.
    const own = stranger.start(question(2));
    expect(await stranger.ended(own)).toMatchObject({ type: 'done' });
    expect(own.text).toBe(answerTo(canaryOf(2)).join(''));
    expect(await owner.ended(run)).toMatchObject({ type: 'done' });
    expect(run.text).toBe(answerTo(canaryOf(1)).join(''));
  });
});
