/**
 * `dash-relay top`: what a running relay does now, from its metrics and its health. It draws over a terminal, and writes
 * a line each time where there is none.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CommandLineError,
  endWithReader,
  printLine,
  subcommand,
  type Words,
} from '../command-line/subcommand.ts';
import { withoutControls } from '../command-line/without-controls.ts';
import { type Figures, isServing } from './figures.ts';
import { age, bytes, count, dollars, perSecond, time } from './format.ts';
import { RelayWatch } from './relay-watch.ts';
import type { RelayAddress } from './scrape.ts';
import { screenOf } from './screen.ts';

const HELP = `Usage: dash-relay top [options]

Shows what a running relay does now: streams, rates, first tokens, errors, usage rows, what it depends on. It asks /metrics
and /readyz, by default those of a relay on this computer with this environment (METRICS_PORT, PORT).

  --url <address>        of the metrics, such as http://127.0.0.1:9091
  --ready <address>      of the main port, which has /readyz, if it is another: http://127.0.0.1:8787
  --token <token>        for a proxy in front of the metrics (METRICS_TOKEN)
  --every <seconds>      between two readings (default 2)
  --over <seconds>       what rates and quantiles are taken over (default 30)
  --once                 one screen, of two readings
  --json                 one JSON object a reading; with --once one in all
  --help                 this text

Keys: q quits, p holds the screen and goes on. Where the output is no terminal, each reading is one line.
`;
const OPTIONS = {
  url: { type: 'string' },
  ready: { type: 'string' },
  token: { type: 'string' },
  every: { type: 'string', default: '2' },
  over: { type: 'string', default: '30' },
  once: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;
const DEFAULT_SIZE = { columns: 80, rows: 100 };
const LONGEST_SECONDS = 3600;
const EXIT_AWAY = 1;

type Options = Words<typeof OPTIONS>['values'];

export const top = subcommand({
  help: HELP,
  options: OPTIONS,
  async run({ values }) {
    const everyMs = secondsOf('--every', values.every) * 1000;
    const overMs = secondsOf('--over', values.over) * 1000;
    const watch = new RelayWatch(addressOf(values, process.env), Math.max(overMs, everyMs));
    if (values.once) return await once(watch, everyMs, values);
    if (process.stdout.isTTY && !values.json) {
      const { showLive } = await import('./live-view.ts');
      return await showLive(watch, everyMs);
    }
    return await follow(watch, everyMs, values);
  },
});

async function once(watch: RelayWatch, everyMs: number, { json }: Options): Promise<number> {
  await watch.ask();
  if (watch.away === undefined) {
    await sleep(everyMs);
    await watch.ask();
  }
  const { figures, away } = watch;
  if (figures === undefined || away !== undefined) {
    process.stderr.write(`${watch.address.metrics}: ${away?.why ?? 'no answer'}\n`);
    return EXIT_AWAY;
  }
  if (json) printLine(JSON.stringify(figures));
  else {
    const { textOf } = await import('./styled-text.ts');
    const { columns = DEFAULT_SIZE.columns } = process.stdout;
    printLine(textOf(screenOf(watch.view(false), { ...DEFAULT_SIZE, columns }), process.stdout));
  }
  return 0;
}

/** Until it is stopped, or its reader goes away. */
async function follow(watch: RelayWatch, everyMs: number, { json }: Options): Promise<number> {
  endWithReader();
  for (;;) {
    await watch.ask();
    const { figures, away } = watch;
    if (json) printLine(JSON.stringify(away === undefined ? figures : { away: away.why }));
    else printLine(away === undefined ? lineOf(figures) : `${clock()} away: ${away.why}`);
    await sleep(everyMs);
  }
}

function lineOf(figures: Figures | undefined): string {
  if (figures === undefined) return clock();
  const { status, streams, latency, rows, process: own, errors, dependencies, workers } = figures;
  const notServing = Object.entries(workers).filter(([, worker]) => !isServing(worker));
  const down = Object.entries(dependencies).flatMap(([name, up]) => (up ? [] : [name]));
  return [
    clock(),
    status ?? 'up',
    `live=${count(streams.live)}`,
    `connections=${count(streams.connections)}`,
    `starts/s=${perSecond(streams.startsPerSecond)}`,
    `done/s=${perSecond(streams.donePerSecond)}`,
    `errors/s=${perSecond(streams.errorsPerSecond)}`,
    `first_token=${time(latency.firstToken.p50)},${time(latency.firstToken.p95)}`.replaceAll(' ', ''),
    `dollars/h=${dollars(streams.usdPerHour)}`,
    `waiting=${count(rows.waiting)},${age(rows.oldestSeconds)}`.replaceAll(' ', ''),
    `memory=${bytes(own.residentBytes)}`.replaceAll(' ', ''),
    ...Object.entries(errors).map(([code, errors]) => `${code}=${count(errors)}`),
    ...(down.length > 0 ? [`down=${down.join(',')}`] : []),
    ...notServing.map(([number, { state }]) => `worker_${number}=${withoutControls(state ?? '')}`),
  ].join(' ');
}

function clock(): string {
  return new Date().toTimeString().slice(0, 8);
}

function secondsOf(option: string, text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= LONGEST_SECONDS) return seconds;
  throw new CommandLineError(`${option} is a number of seconds up to ${LONGEST_SECONDS}: ${text}`);
}

/** A port of its own for the metrics is asked for by METRICS_PORT, and in production. */
function addressOf({ url, ready, token }: Options, environment: NodeJS.ProcessEnv): RelayAddress {
  const { PORT = '8787', METRICS_PORT, NODE_ENV, METRICS_TOKEN } = environment;
  const main = `http://127.0.0.1:${PORT}`;
  const own = METRICS_PORT || (NODE_ENV === 'production' ? '9091' : PORT);
  const metrics = url === undefined ? `http://127.0.0.1:${own}` : webAddress('--url', url);
  const health = ready === undefined ? (url === undefined ? main : metrics) : webAddress('--ready', ready);
  return {
    metrics: `${metrics.replace(/\/metrics$/, '')}/metrics`,
    ready: `${health.replace(/\/(metrics|readyz)$/, '')}/readyz`,
    token: token || METRICS_TOKEN || undefined,
  };
}

function webAddress(option: string, text: string): string {
  const parsed = URL.parse(text);
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username !== '')
    throw new CommandLineError(`${option} is not an address such as http://127.0.0.1:9091: ${text}`);
  return `${parsed.origin}${parsed.pathname}`.replace(/\/$/, '');
}
