/** `npm run fuzz`: each target in turn for its share of the time, from a seed that is printed; or one of them. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { allTargets } from './all-targets.ts';
import type { Done, Work } from './worker.ts';

const HELP = `Usage: npm run fuzz -- [--minutes N] [--seed N] [target …]

Tries inputs on each target for its share of the time (default: 10 minutes in all), and prints how many.
Targets: ${allTargets()
  .map(({ name }) => `'${name}'`)
  .join(', ')}
`;
/** An input may take so long: a child process, or a busy machine, takes some. */
const STUCK_MS = 90_000;
const LOOK_MS = 1000;
/** Of one input in UTF-8, and what is before it. */
const PROGRESS_BYTES = 8 + 3 * 64 * 1024;
const HEAP_MB = 512;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    help: { type: 'boolean' },
  } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const targets = allTargets().filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
  if (
    values.help === true ||
    targets.length < positionals.length ||
    !(minutes > 0) ||
    !Number.isInteger(seed)
  ) {
    process.stdout.write(HELP);
    return values.help === true ? 0 : 2;
  }
  // Threads that begin from now on can collect garbage before they say how much is left.
  setFlagsFromString('--expose-gc');
  const found: string[] = [];
  const forMs = (minutes * 60_000) / targets.length;
  process.stdout.write('target            seed        cases     blocks  kept  heap MB\n');
  for (const { name } of targets) {
    try {
      const { cases, blocks, kept, grownBytes } = await inThread({
        target: name,
        seed,
        forMs,
        progress: new SharedArrayBuffer(PROGRESS_BYTES),
      });
      const grown = (grownBytes / 1024 / 1024).toFixed(1);
      process.stdout.write(
        `${name.padEnd(17)} ${String(seed).padStart(10)} ${String(cases).padStart(9)} ${String(blocks).padStart(9)} ${String(kept).padStart(5)} ${grown.padStart(8)}\n`,
      );
    } catch (error) {
      found.push(name);
      process.stdout.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  if (found.length > 0) process.stdout.write(`found something in: ${found.join(', ')}\n`);
  return found.length > 0 ? 1 : 0;
}

/** @throws Error with the input, where a property does not hold, or the thread does not come back from it */
async function inThread(work: Work): Promise<Done> {
  const resourceLimits = { maxOldGenerationSizeMb: HEAP_MB };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: work, resourceLimits });
  const { promise, resolve, reject } = Promise.withResolvers<Done>();
  worker.on('message', resolve).on('error', (error) => reject(withInput(work, error as Error)));
  worker.on('exit', (code) => reject(withInput(work, new Error(`the thread ended with ${code}`))));
  const watch = watchProgress(work, () => reject(withInput(work, new Error('it does not come back'))));
  try {
    return await promise;
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}

function watchProgress({ progress }: Work, stuck: () => void): NodeJS.Timeout {
  const counts = new Int32Array(progress, 0, 2);
  let seen = -1;
  let since = performance.now();
  return setInterval(() => {
    const cases = Atomics.load(counts, 0);
    // Of a busy machine, loading all sources takes as long.
    if (cases !== seen || cases === 0) since = performance.now();
    else if (performance.now() - since > STUCK_MS) stuck();
    seen = cases;
  }, LOOK_MS);
}

function withInput({ target, seed, progress }: Work, error: Error): Error {
  const [, bytes = 0] = new Int32Array(progress, 0, 2);
  const input = Buffer.from(progress, 8, bytes).toString();
  return new Error(
    `${error.message}\nseed ${seed} of '${target}', with the last input\n${JSON.stringify(input)}`,
  );
}
