/** `npm run bench`: runs scenarios on subjects, one at a time, and writes what it saw to bench/results/. Linux, loopback only. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { directSubject } from './direct.ts';
import { describeMachine } from './machine.ts';
import { measure } from './measure.ts';
import { nginxSubject } from './nginx.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { relaySubject } from './relay.ts';
import type { Failure, Results, Sample } from './results.ts';
import type { Scenario } from './scenario.ts';
import type { Subject } from './subject.ts';
import { renderResults } from './table.ts';

const RESULTS = new URL('results/', import.meta.url).pathname;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  if (process.platform !== 'linux') return complain('the benchmark reads /proc: it runs on Linux only');
  let options: Options | null;
  try {
    options = readOptions(args);
  } catch (error) {
    return complain(messageOf(error));
  }
  if (options === null) {
    process.stdout.write(USAGE);
    return 0;
  }
  const results = await runAll(options);
  const table = renderResults(results, options.scenarios);
  save(results, table, options.jsonFile);
  process.stdout.write(`${table}\n`);
  return results.samples.length > 0 ? 0 : 1;
}

/** The subjects take turns within each repeat, so that a slow minute of the machine hits all of them. */
async function runAll({ scenarios, long, repeat, directories, nodeOptions }: Options): Promise<Results> {
  const begun = Date.now();
  const peers = [nginxSubject(), directSubject()];
  const relays = directories.map((directory, index) =>
    relaySubject(relayName(directory, index), resolve(directory), nodeOptions),
  );
  const samples: Sample[] = [];
  const failures: Failure[] = [];
  for (let turn = 1; turn <= repeat; turn += 1) {
    for (const scenario of scenarios) {
      for (const subject of subjectsOf(scenario, relays, peers)) {
        process.stderr.write(`${scenario.name} · ${subject.name} · ${turn}/${repeat}\n`);
        const outcome = await runOne(scenario, subject, turn, long);
        if ('reason' in outcome) failures.push(outcome);
        else samples.push(outcome);
      }
    }
  }
  return {
    startedAt: new Date(begun).toISOString(),
    seconds: (Date.now() - begun) / 1000,
    long,
    repeat,
    machine: describeMachine(),
    versions: Object.fromEntries([...relays, ...peers].map(({ name, version }) => [name, version])),
    samples,
    failures,
  };
}

async function runOne(
  scenario: Scenario,
  subject: Subject,
  repeat: number,
  long: boolean,
): Promise<Sample | Failure> {
  const about = { scenario: scenario.name, subject: subject.name };
  if (subject.unavailable !== null) return { ...about, reason: subject.unavailable };
  try {
    const measured = await measure(subject, scenario.workload({ long }));
    const rounds = measured.rounds.map((round) => scenario.read(round, measured));
    for (const round of measured.rounds) warnOfFaults(round.load.faults);
    return { ...about, repeat, rounds };
  } catch (error) {
    const reason = messageOf(error);
    process.stderr.write(`  ${reason}\n`);
    return { ...about, reason };
  }
}

function subjectsOf(
  scenario: Scenario,
  relays: readonly Subject[],
  peers: readonly Subject[],
): readonly Subject[] {
  return scenario.subjects.flatMap((name) =>
    name === 'relay' ? relays : peers.filter((peer) => peer.name === name),
  );
}

function relayName(directory: string, index: number): string {
  return index === 0 ? 'relay' : `relay ${basename(resolve(directory))}`;
}

function warnOfFaults(faults: Readonly<Record<string, number>>): void {
  for (const [what, count] of Object.entries(faults)) process.stderr.write(`  ${count} × ${what}\n`);
}

function save(results: Results, table: string, jsonFile: string | undefined): void {
  const json = `${JSON.stringify(results, null, 2)}\n`;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(`${RESULTS}latest.json`, json);
  writeFileSync(`${RESULTS}latest.md`, table);
  if (jsonFile !== undefined) writeFileSync(jsonFile, json);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function complain(message: string): number {
  process.stderr.write(`${message}\n`);
  return 1;
}
