/** One attack on a relay of its own, while a classmate reads: what the classmate notices, and what it costs the relay. */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { AttackName, Target } from './attacks.ts';
import { Classmate, type Gaps, handshake } from './classmate.ts';
import { type AttackedRelay, type RelayProgram, startRelay } from './relay-under-attack.ts';

export interface Measured {
  readonly attack: AttackName;
  readonly before: Gaps;
  readonly during: Gaps;
  readonly after: Gaps;
  /** Resident, MB: before, at most during, and after. */
  readonly memory: readonly [number, number, number];
  /** What the attacker got, by HTTP status. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Classmates' handshakes during the attack, by HTTP status. */
  readonly handshakes: Readonly<Record<string, number>>;
  readonly alive: boolean;
}

/** A relay that has been running for a while, with its users and a classmate who reads. */
export interface Scene extends AsyncDisposable {
  readonly attack: AttackName;
  readonly relay: AttackedRelay;
  readonly tokens: readonly string[];
  readonly reader: Classmate;
}

/** Milliseconds. */
export interface Phases {
  /** Before the attack, and after it. */
  readonly quiet: number;
  readonly attack: number;
}

const CLASSMATES = 40;
const DESCRIPTORS: Partial<Record<AttackName, number>> = { 'silent connections': 512 };
const MANY_DESCRIPTORS = 20_000;
const WARM_MS = 3000;
/** What is left of the attack when its process is gone is still to be worked off: for so long at most. */
const RECOVERY_MS = 30_000;
const ATTACKER = fileURLToPath(new URL('attacker.ts', import.meta.url));

export async function prepareScene(program: RelayProgram, attack: AttackName): Promise<Scene> {
  const relay = await startRelay(program, DESCRIPTORS[attack] ?? MANY_DESCRIPTORS);
  const tokens: string[] = [];
  for (let user = 1; user <= CLASSMATES; user += 1) tokens.push(await relay.token(100 + user));
  const reader = new Classmate(relay.port, tokens[0] ?? '', () => longAnswer(randomUUID()));
  await delay(WARM_MS);
  return {
    attack,
    relay,
    tokens,
    reader,
    async [Symbol.asyncDispose]() {
      reader[Symbol.dispose]();
      await relay[Symbol.asyncDispose]();
    },
  };
}

export async function measure({ attack, relay, tokens, reader }: Scene, phases: Phases): Promise<Measured> {
  const target = await targetOf(relay);
  reader.gaps();
  const quiet = relay.residentMb;
  await delay(phases.quiet);
  const before = reader.gaps();

  using own = new Classmate(relay.port, target.token, () => target.startBody); // the stream that the attacker reads
  const attacker = await startAttacker(attack, target);
  const shaken = countHandshakes(relay.port, tokens, phases.attack);
  const peak = await peakMemory(relay, phases.attack);
  const during = reader.gaps();
  const outcomes = await outcomesOf(attacker);
  const handshakes = await shaken;
  attacker.kill('SIGKILL');

  await recovered(reader, relay);
  await delay(phases.quiet);
  const memory = [quiet, peak, relay.residentMb] as const;
  const alive = relay.alive && !reader.cutOff && !own.cutOff;
  return { attack, before, during, after: reader.gaps(), memory, outcomes, handshakes, alive };
}

/** It ends with this process in any case: its channel closes. */
async function startAttacker(attack: AttackName, target: Target): Promise<ChildProcess> {
  const attacker = fork(ATTACKER, [JSON.stringify({ attack, target })]);
  await once(attacker, 'message');
  return attacker;
}

async function outcomesOf(attacker: ChildProcess): Promise<Record<string, number>> {
  attacker.send('outcomes');
  const [counts] = (await once(attacker, 'message')) as [Record<string, number>];
  return counts;
}

/** The reader's next answer has begun, or is given up. */
async function recovered(reader: Classmate, relay: AttackedRelay): Promise<void> {
  const until = performance.now() + RECOVERY_MS;
  do await delay(500);
  while (relay.alive && performance.now() < until && reader.gaps().pieces < 5);
}

async function targetOf(relay: AttackedRelay): Promise<Target> {
  const streamId = 'attackers-own';
  return { port: relay.port, token: await relay.token(1), streamId, startBody: longAnswer(streamId) };
}

/** Some 7,000 tokens. */
function longAnswer(id: string): string {
  const messages = [{ role: 'user', content: 'Why is the sky blue?' }];
  return JSON.stringify({ id, action: 'chat', model: 'sim:long', onDisconnect: 'resume', messages });
}

/** Spread over the phase, as pupils come. */
async function countHandshakes(
  port: number,
  tokens: readonly string[],
  phaseMs: number,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const all = tokens.map(async (token, index) => {
    await delay((phaseMs * (index + 0.5)) / tokens.length);
    const status = await handshake(port, token);
    counts[status] = (counts[status] ?? 0) + 1;
  });
  await Promise.all(all);
  return counts;
}

async function peakMemory(relay: AttackedRelay, forMs: number): Promise<number> {
  const until = performance.now() + forMs;
  let peak = 0;
  while (performance.now() < until) {
    await delay(200);
    if (relay.alive) peak = Math.max(peak, relay.residentMb);
  }
  return peak;
}
