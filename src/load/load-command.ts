/** `dash-relay load`: from the words on the command line to the exit code. */

import { EXIT_USAGE, printLine, subcommand } from '../command-line/subcommand.ts';
import { withoutControls } from '../command-line/without-controls.ts';
import { usdOf } from '../pricing/cost.ts';
import { loadPrices, SIMULATED_PRICES } from '../pricing/prices.ts';
import { CostGuard } from './cost-guard.ts';
import { figuresOf, type LoadFigures, type Measured } from './figures.ts';
import { type LoadShape, LoadTest } from './load-test.ts';
import { Meter } from './meter.ts';
import { HELP, type LoadOptions, loadOptionsOf, OPTIONS } from './options.ts';
import { NotBegun, type Users, usersOf } from './preflight.ts';
import { progressLine, table } from './report.ts';
import { startSelfCheck } from './self-check.ts';
import { type Threshold, thresholdsOf } from './thresholds.ts';

const EXIT_MISSED = 1;
const EXIT_VOID = 3;
const EXIT_INTERRUPTED = 130;
/** About what an answer takes, to say beforehand how many there may be, ms. */
const ANSWER_MS = 5000;

export const load = subcommand({
  help: HELP,
  options: OPTIONS,
  async run({ values }) {
    const options = loadOptionsOf(values, process.env);
    try {
      return await loadBy(options);
    } catch (error) {
      if (!(error instanceof NotBegun)) throw error;
      say(`load: ${error.message}`);
      return EXIT_USAGE;
    }
  },
});

async function loadBy(options: LoadOptions): Promise<number> {
  const { shape, limits, json } = options;
  const users = await usersOf(shape.url, options.tokens, Math.ceil(shape.streams / shape.perSocket));
  const guard = guardOf(options, users);
  const measured = await measure(shape, users, guard);
  const figures = figuresOf(measured);
  const thresholds = thresholdsOf(figures, limits);
  printLine(
    json ? JSON.stringify({ ...figures, thresholds }, null, 2) : withoutControls(table(figures, thresholds)),
  );
  return exitCodeOf(figures, thresholds);
}

function exitCodeOf({ stopped, generator }: LoadFigures, thresholds: readonly Threshold[]): number {
  if (stopped === 'interrupted') return EXIT_INTERRUPTED;
  if (generator.isBottleneck) return EXIT_VOID;
  return thresholds.every(({ holds }) => holds) ? 0 : EXIT_MISSED;
}

/** @throws NotBegun where it may cost money and nobody has said that it may */
function guardOf({ shape, maxCostPico, yes }: LoadOptions, { simulated }: Users): CostGuard {
  const { model, maxTokens } = shape.request;
  const guard = new CostGuard({
    prices: simulated ? SIMULATED_PRICES : loadPrices(),
    model,
    maxTokens,
    messageLength: Math.max(...shape.messages.map(({ length }) => length)),
    limitPico: simulated ? null : maxCostPico,
  });
  if (simulated) return guard;
  say(costNotice(shape, guard));
  if (!yes && maxCostPico === null)
    throw new NotBegun(
      'nothing was asked: add --max-cost-usd with what it may cost at most, or --yes for whatever it costs',
    );
  if (!guard.hasRoom(0)) throw new NotBegun('--max-cost-usd is less than one answer may cost');
  return guard;
}

function costNotice({ streams, durationMs, thinkMs }: LoadShape, guard: CostGuard): string {
  const { model, inputTokens, outputTokens } = guard.assumed;
  const questions = Math.ceil((streams * durationMs) / (ANSWER_MS + thinkMs));
  return `load: a real model answers there, unless you know better, and each answer is paid for: some ${questions} questions of ${inputTokens} tokens and answers of ${outputTokens}, by ${model}, come to $${(usdOf(guard.expectedPico(questions)) ?? 0).toFixed(2)}`;
}

async function measure(shape: LoadShape, users: Users, guard: CostGuard): Promise<Measured> {
  const meter = new Meter();
  const test = new LoadTest({ shape, tokens: users.tokens, meter, guard });
  const self = startSelfCheck();
  const begun = performance.now();
  const elapsedMs = () => performance.now() - begun;
  const deltasBySecond: number[] = [];
  const progress = setInterval(() => {
    say(withoutControls(progressLine(Math.round(elapsedMs() / 1000), meter, self.takeLagMs())));
    if (elapsedMs() <= shape.durationMs) deltasBySecond.push(meter.second.deltas);
    meter.nextSecond();
  }, 1000);
  const releaseSignals = onInterrupt(() => test.interrupt());
  try {
    const stopped = await test.run();
    const { simulated } = users;
    const seconds = elapsedMs() / 1000;
    return { shape, meter, guard, deltasBySecond, seconds, stopped, simulated, generator: self.report() };
  } finally {
    clearInterval(progress);
    releaseSignals();
    self.stop();
  }
}

/** The first Ctrl-C ends it in order, the second at once. */
function onInterrupt(interrupt: () => void): () => void {
  const first = (): void => {
    say('load: stopping what is under way; Ctrl-C again ends at once');
    interrupt();
    process.removeListener('SIGINT', first);
    process.removeListener('SIGTERM', first);
  };
  process.on('SIGINT', first);
  process.on('SIGTERM', first);
  return () => {
    process.removeListener('SIGINT', first);
    process.removeListener('SIGTERM', first);
  };
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
