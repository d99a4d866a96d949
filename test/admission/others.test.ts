/**
 * One client attacks, another at the same address reads an answer: with real sockets, against the relay as it is
 * installed. Ratios only, and the best of a few rounds: this machine may be busy with something else.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { comeFirst } from '../support/priority.ts';
import { relayProgram } from '../support/relay-program.ts';
import { LONG } from '../support/test-run.ts';
import type { AttackName } from './attacks.ts';
import { type Measured, measure, prepareScene, type Scene } from './measure.ts';
import type { RelayProgram } from './relay-under-attack.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ROUNDS = 3;
/** A quiet phase has some thirty to forty pieces: enough to tell a gap from one twice as long. */
const PHASES = LONG ? { quiet: 1500, attack: 3000 } : { quiet: 1200, attack: 1800 };
/** Handshakes may be late where this machine is busy, and are never refused. */
const HANDSHAKES = ['101', 'late'];
/** How much more memory the attack may take, of what the relay has at rest. */
const MEMORY = 2;

interface Expectation {
  readonly attack: AttackName;
  /** What the attacker gets, and nothing else: HTTP statuses, or `closed` without any. */
  readonly gets: readonly string[];
}

const EXPECTATIONS: readonly Expectation[] = [
  { attack: 'nested JSON without a token', gets: ['401', '429', 'closed'] },
  { attack: 'unfinished bodies without a token', gets: ['401', '429', 'closed'] },
  { attack: 'unfinished bodies with a token', gets: ['408', '429', 'closed'] },
  { attack: 'silent connections', gets: ['408', 'closed'] },
  { attack: 'event streams of one user', gets: ['200', '429', 'closed'] },
  { attack: 'JSON waiters of one user', gets: ['200', '429', 'closed'] },
  { attack: 'requests without a token', gets: ['401', '429', 'closed'] },
  { attack: 'forged tokens', gets: ['401', '429', 'closed'] },
];

comeFirst();
let program: RelayProgram;
/** One for each attack: warmed up side by side, used once. */
const scenes = new Map<AttackName, Promise<Scene>>();
beforeAll(async () => {
  program = { module: await relayProgram('main'), folder: ROOT };
  for (const { attack } of EXPECTATIONS) scenes.set(attack, prepareScene(program, attack));
  await Promise.all(scenes.values());
}, 240_000);
afterAll(async () => {
  for (const scene of scenes.values()) await (await scene)[Symbol.asyncDispose]();
});

it.each(EXPECTATIONS)(
  'others read on, and come in, during: $attack',
  { timeout: 240_000 },
  async ({ attack, gets }) => {
    let faults: string[] = ['not measured'];
    for (let round = 0; round < ROUNDS && faults.length > 0; round += 1) {
      await using scene = await (scenes.get(attack) ?? prepareScene(program, attack));
      scenes.delete(attack);
      faults = faultsOf(await measure(scene, PHASES), gets);
    }
    expect(faults).toEqual([]);
  },
);

function faultsOf(measured: Measured, gets: readonly string[]): string[] {
  const { before, during, after, memory, outcomes, handshakes, alive } = measured;
  const [quiet, peak] = memory;
  const faults = {
    'the relay, or an answer, ended': !alive,
    [`gaps of ${before.median} ms became ${during.median} ms`]: !(during.median <= 2 * before.median),
    [`gaps of ${before.median} ms became ${after.median} ms afterwards`]: !(
      after.median <=
      2 * before.median
    ),
    [`${quiet} MB became ${peak} MB`]: !(peak <= MEMORY * quiet),
    [`the attacker got ${JSON.stringify(outcomes)}`]: Object.keys(outcomes).some(
      (got) => !gets.includes(got),
    ),
    [`handshakes of classmates: ${JSON.stringify(handshakes)}`]: Object.keys(handshakes).some(
      (got) => !HANDSHAKES.includes(got),
    ),
  };
  return Object.entries(faults).flatMap(([fault, is]) => (is ? [fault] : []));
}
