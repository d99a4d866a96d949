/** Runs scenarios on their subjects, one process tree at a time, and collects what they showed. */
import { describeMachine } from './machine.ts';
import type { Failure, Results, Sample } from './report/results.ts';
import type { Scenario } from './scenario.ts';
import { foreignSubjects, type SubjectName } from './subjects/all.ts';
import type { Subject } from './subjects/port.ts';

export interface Plan {
  readonly scenarios: readonly Scenario[];
  readonly repeat: number;
  /** What stands for `relay` in a scenario; two or more are measured side by side. */
  readonly relays: readonly Subject[];
  /** What stands for `bundle`. */
  readonly bundles: readonly Subject[];
  /** Which other subjects than the relay are measured, where a scenario has them. */
  readonly peers: 'all' | readonly SubjectName[];
}

/** The subjects take turns within each repeat, so that a slow minute of the machine hits all of them. */
export async function runAll(plan: Plan): Promise<Results> {
  const { scenarios, repeat } = plan;
  const begun = Date.now();
  const foreign = foreignSubjects(peersOf(plan));
  const samples: Sample[] = [];
  const failures: Failure[] = [];
  for (let turn = 1; turn <= repeat; turn += 1) {
    for (const scenario of scenarios) {
      const subjects = scenario.subjects.flatMap((name) => standingFor(name, plan, foreign));
      for (const subject of inTurn(subjects, turn)) {
        process.stderr.write(`${scenario.name} · ${subject.name} · ${turn}/${repeat}\n`);
        const outcome = await runOne(scenario, subject, turn);
        if ('reason' in outcome) failures.push(outcome);
        else samples.push(outcome);
      }
    }
  }
  const took = new Set(samples.map(({ subject }) => subject));
  const all = [...plan.relays, ...plan.bundles, ...foreign].filter(({ name }) => took.has(name));
  return {
    startedAt: new Date(begun).toISOString(),
    seconds: (Date.now() - begun) / 1000,
    repeat,
    machine: describeMachine(),
    versions: Object.fromEntries(all.map(({ name, version }) => [name, version])),
    samples,
    failures,
  };
}

function peersOf({ scenarios, peers }: Plan): ReadonlySet<SubjectName> {
  const known = scenarios.flatMap(({ subjects }) => subjects);
  return new Set(peers === 'all' ? known : known.filter((name) => peers.includes(name)));
}

async function runOne(scenario: Scenario, subject: Subject, repeat: number): Promise<Sample | Failure> {
  const about = { scenario: scenario.name, subject: subject.name, repeat };
  if (subject.unavailable !== null) return { ...about, reason: subject.unavailable };
  const begun = performance.now();
  try {
    const { rounds, curves = {}, faults = {} } = await scenario.run(subject);
    for (const [what, count] of Object.entries(faults)) process.stderr.write(`  ${count} × ${what}\n`);
    return { ...about, seconds: (performance.now() - begun) / 1000, rounds, curves };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`  ${reason}\n`);
    return { ...about, reason };
  }
}

function standingFor(name: SubjectName, { relays, bundles }: Plan, foreign: readonly Subject[]) {
  if (name === 'relay') return relays;
  return name === 'bundle' ? bundles : foreign.filter((subject) => subject.name === name);
}

/** Every second time in reverse: nobody always runs on a machine that the same other has warmed. */
function inTurn(subjects: readonly Subject[], turn: number): readonly Subject[] {
  return turn % 2 === 1 ? subjects : subjects.toReversed();
}
