/**
 * `npm run bench:admission`: what one client can do to all others, as a table. `--relay=DIRECTORY` measures the sources
 * there instead of these (an older version beside this one), `--attack=NAME` one attack only, `--seconds=N` each phase.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ATTACKS, type AttackName } from '../test/admission/attacks.ts';
import type { Gaps } from '../test/admission/classmate.ts';
import { type Measured, measure, prepareScene } from '../test/admission/measure.ts';
import { runProgram } from './program.ts';

const OPTIONS = {
  relay: { type: 'string', default: fileURLToPath(new URL('../', import.meta.url)) },
  attack: { type: 'string' },
  seconds: { type: 'string', default: '8' },
} as const;

const HEAD =
  '| attack | gaps before, median/p99 ms | during | after | MB before/peak/after | attacker got | handshakes of classmates | lives |\n' +
  '|---|--:|--:|--:|--:|---|---|---|\n';

await runProgram(async (args) => {
  const { relay, attack, seconds } = parseArgs({ args, options: OPTIONS }).values;
  const names = attack === undefined ? (Object.keys(ATTACKS) as AttackName[]) : [attackNamed(attack)];
  const phaseMs = Number(seconds) * 1000;
  process.stdout.write(HEAD);
  for (const name of names) {
    await using scene = await prepareScene({ module: 'src/main.ts', folder: relay }, name);
    process.stdout.write(row(await measure(scene, { quiet: phaseMs, attack: phaseMs })));
  }
  return 0;
});

function attackNamed(name: string): AttackName {
  if (Object.hasOwn(ATTACKS, name)) return name as AttackName;
  throw new Error(`--attack: one of ${Object.keys(ATTACKS).join(', ')}`);
}

function row(measured: Measured): string {
  const { attack, before, during, after, memory, outcomes, handshakes, alive } = measured;
  const cells = [
    attack,
    ...[before, during, after].map(gapsOf),
    memory.map((mb) => Math.round(mb)).join(' / '),
    countsOf(outcomes),
    countsOf(handshakes),
    alive ? 'yes' : 'no',
  ];
  return `| ${cells.join(' | ')} |\n`;
}

function gapsOf({ median, p99 }: Gaps): string {
  return Number.isFinite(median) ? `${Math.round(median)} / ${Math.round(p99)}` : 'nothing came';
}

function countsOf(counts: Readonly<Record<string, number>>): string {
  const texts = Object.entries(counts).map(([what, count]) => `${what} × ${count}`);
  return texts.length === 0 ? 'nothing' : texts.join(', ');
}
