/** Chats over a network that is cut at random, as an app goes on after that. */
import { expect } from 'vitest';
import { Random } from '../../src/simulator/random.ts';
import { sha256 } from '../scenarios/upstream-case.ts';
import { deltasFor } from '../support/deltas-for.ts';
import { type Fault, startFaultProxy } from '../support/fault-proxy.ts';
import { startSimulatedRelay } from '../support/relay-process.ts';
import { eventually, report, SEED } from '../support/test-run.ts';
import { askThrough, type ChatDoor, chatOn, heldBy } from './chats.ts';

const PACE = { firstTokenMs: [1, 20], deltasPerSecond: [200, 600] } as const;
const FAULTS: readonly Fault[] = ['cut', 'reset', 'half-open'];
const CHATS = 8;

/**
 * Every text is whole, once, with one call and one row.
 * @returns how often a chat had to resume
 */
export async function cutChats(door: ChatDoor, cuts: number): Promise<{ readonly resumes: number }> {
  const random = new Random(SEED);
  await using relay = await startSimulatedRelay({ pace: PACE });
  relay.simulator.always(({ question }) => ({ deltas: deltasFor(question) }));
  await using proxy = await startFaultProxy(relay.url, () => ({
    fault: { afterBytes: Math.floor(random.between(1, 110) ** 2), kind: random.pick(FAULTS) },
    ...(random.integer(0, 3) === 0 ? { sliceBytes: random.integer(1, 100) } : {}),
  }));
  let asked = 0;
  let resumes = 0;
  const converse = async (user: number): Promise<void> => {
    const token = await relay.token(user);
    while (proxy.faults < cuts) {
      asked += 1;
      const question = `question ${asked} of ${SEED}`;
      const chat = chatOn(door.transport(proxy.url, token), `chat ${asked}`);
      const done = await askThrough(chat, question);
      resumes += done.resumes;
      const { text, metadata, messages } = heldBy(chat);
      expect(metadata, `seed ${SEED}`).toMatchObject({ ending: 'done', usage: { source: 'final' } });
      expect(sha256(text), `seed ${SEED}, ${question}`).toBe(sha256(deltasFor(question).join('')));
      expect(messages, 'a question and its answer').toBe(2);
    }
  };
  await Promise.all(Array.from({ length: CHATS }, (_, user) => converse(user)));
  expect(relay.simulator.requests, 'one call each').toHaveLength(Math.min(asked, 10_000));
  const rows = await relay.usageRows();
  expect(rows, 'one row each').toHaveLength(asked);
  expect(rows.filter(({ status, source }) => status !== 'done' || source !== 'final')).toEqual([]);
  await eventually('no upstream request is open', () => relay.simulator.stats.open === 0);
  report(`${door.name}: ${proxy.faults} cuts, ${asked} answers, ${resumes} resumes; seed ${SEED}`);
  return { resumes };
}
