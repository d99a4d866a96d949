/** One attack on a relay of its own, while a classmate reads: what the classmate notices, and what it costs the relay. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { startCompanion } from '../child.ts';
import type { AttackName, Target } from './attacks.ts';
import { Classmate, type Gaps, handshake } from './classmate.ts';
import { type AttackedRelay, startRelay } from './relay-under-attack.ts';

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

export interface MeasureOptions {
  /** Where the relay's sources are. */
  readonly source: string;
  readonly attack: AttackName;
  /** For each of before, during and after. */
  readonly phaseMs: number;
}

const CLASSMATES = 40;
const DESCRIPTORS: Partial<Record<AttackName, number>> = { 'silent connections': 512 };
const MANY_DESCRIPTORS = 20_000;
/** The attacker's process is as busy as it makes the machine. */
const ATTACKER_MS = 60_000;
/** What is left of the attack when its process is gone is still to be worked off: for so long at most. */
const RECOVERY_MS = 30_000;

export async function measure({ source, attack, phaseMs }: MeasureOptions): Promise<Measured> {
  await using relay = await startRelay(source, DESCRIPTORS[attack] ?? MANY_DESCRIPTORS);
  const { port } = relay;
  const target = await targetOf(relay);
  const tokens: string[] = [];
  for (let user = 1; user <= CLASSMATES; user += 1) tokens.push(await relay.token(100 + user));
  using reader = new Classmate(port, tokens[0] ?? '', () => longAnswer(randomUUID()));
  await delay(3000);
  reader.gaps();
  const quiet = relay.residentMb;
  await delay(phaseMs);
  const before = reader.gaps();

  using own = new Classmate(port, target.token, () => target.startBody); // the stream that the attacker reads
  const attacker = startCompanion('admission/attacker.ts', { attack, target });
  await attacker.request('begin', ATTACKER_MS);
  const shaken = countHandshakes(port, tokens, phaseMs);
  const peak = await peakMemory(relay, phaseMs);
  const during = reader.gaps();
  const { counts } = await attacker.request<{ counts: Record<string, number> }>('outcomes', ATTACKER_MS);
  const handshakes = await shaken;
  await attacker[Symbol.asyncDispose]();

  await recovered(reader, relay);
  await delay(phaseMs);
  const memory = [quiet, peak, relay.residentMb] as const;
  const alive = relay.alive && !reader.cutOff && !own.cutOff;
  return { attack, before, during, after: reader.gaps(), memory, outcomes: counts, handshakes, alive };
}

/** The reader's next answer has begun, or is given up. */
async function recovered(reader: Classmate, relay: AttackedRelay): Promise<void> {
  const until = performance.now() + RECOVERY_MS;
  do await delay(1000);
  while (relay.alive && performance.now() < until && reader.gaps().pieces < 10);
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
