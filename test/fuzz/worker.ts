/**
 * One target in a thread of its own, round after round until its time is over. What reaches new blocks of the sources joins
 * the corpus. Before each input it notes it where the parent can read it, also of a thread that hangs.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Random } from '../../src/simulator/random.ts';
import { allTargets } from './all-targets.ts';
import { fuzzOpened } from './campaign.ts';
import { Coverage } from './coverage.ts';
import type { FuzzTarget } from './fuzz-target.ts';

/** What the parent gives. */
export interface Work {
  readonly target: string;
  readonly seed: number;
  /** How long to go on, ms. */
  readonly forMs: number;
  /** Inputs so far, bytes of the present one, and then the input itself. */
  readonly progress: SharedArrayBuffer;
}

/** What it tells when its time is over. */
export interface Done {
  readonly cases: number;
  readonly kept: number;
  readonly blocks: number;
  /** Growth of the heap without garbage, bytes. */
  readonly grownBytes: number;
}

const ROUND = 200;
/** Of a round that reached something new. */
const KEPT_OF_A_ROUND = 8;
const LARGEST_CORPUS = 1000;

const { target: name, seed, forMs, progress } = workerData as Work;
const counts = new Int32Array(progress, 0, 2);
const held = Buffer.from(progress, 8);

parentPort?.postMessage(await work(allTargets().find((each) => each.name === name)));

async function work(target: FuzzTarget | undefined): Promise<Done> {
  if (target === undefined) throw new Error(`no target ${name}`);
  await using coverage = await Coverage.start();
  await using opened = await target.open();
  const random = new Random(String(seed));
  const corpus = [...target.corpus];
  const until = performance.now() + forMs;
  let heapBefore = 0;
  for (let round = 0; round === 0 || performance.now() < until; round += 1) {
    const tried: string[] = [];
    const onInput = (input: string): void => {
      tried.push(input);
      note(input);
    };
    const examples = round === 0 ? target.corpus : [];
    await fuzzOpened(target, opened, { seed: seed + round, cases: ROUND, corpus, examples, onInput });
    if ((await coverage.more()) > 0) keep(corpus, tried, random);
    if (round === 0) heapBefore = heapBytes();
  }
  const cases = Atomics.load(counts, 0);
  const kept = corpus.length - target.corpus.length;
  return { cases, kept, blocks: coverage.size, grownBytes: heapBytes() - heapBefore };
}

function keep(corpus: string[], tried: readonly string[], random: Random): void {
  for (let count = 0; count < KEPT_OF_A_ROUND; count += 1) {
    const input = tried[random.integer(0, tried.length - 1)] ?? '';
    if (corpus.length < LARGEST_CORPUS) corpus.push(input);
    else corpus[random.integer(0, corpus.length - 1)] = input;
  }
}

function note(input: string): void {
  Atomics.store(counts, 1, held.write(input));
  Atomics.add(counts, 0, 1);
}

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
