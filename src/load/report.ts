/** What people read of a load: a line each second, and the table at its end. */
import type { LoadFigures } from './figures.ts';
import type { Percentiles } from './histogram.ts';
import type { Meter } from './meter.ts';
import { percent, type Threshold } from './thresholds.ts';

/** What to raise at the relay, or to do, where a code is among the errors; docs/load-testing.md says more. */
const ADVICE: Readonly<Record<string, string>> = {
  rate_limited:
    'more starts than a user has: more --tokens, longer --think, or STARTS_PER_MINUTE and startsPerMinute of the plan',
  too_many_streams:
    'more streams than a user or a connection has: more --tokens, fewer --per-socket, or MAX_STREAMS_PER_USER, MAX_STREAMS_PER_CONNECTION and streams of the plan',
  too_many_connections:
    'more connections than a user or an address has: more --tokens, or MAX_CONNECTIONS_PER_USER, MAX_CONNECTIONS_PER_IP; behind a proxy see TRUST_PROXY',
  unavailable: 'the relay is full (MAX_CONNECTIONS, memory), switched off, or lacks something: see /readyz',
  quota_exceeded: 'the quota of these users is used up: other --tokens, or another plan',
  unauthorized: 'these tokens are not good, or have expired meanwhile',
  unreachable: 'nothing was heard of the relay for too long',
  upstream_rate_limited: "the account at the model's API is over its rate: that is what was measured",
};

/** How it goes, of the latest second. */
export function progressLine(seconds: number, meter: Meter, lagMs: number): string {
  const { second } = meter;
  const { p50, p95 } = second.firstToken.summary();
  return [
    `${seconds} s`.padStart(6),
    `live ${meter.live}`,
    `started ${meter.started}`,
    `ended ${meter.answered + meter.cancelled}`,
    `first token ${p50 === null ? '-' : Math.round(p50)}/${p95 === null ? '-' : Math.round(p95)} ms`,
    `${second.deltas} deltas/s`,
    `${bytesOf(second.bytes)}/s`,
    `resumes ${meter.resumes}`,
    `errors ${withCounts(meter.failed, meter.errors)}`,
    `sockets ${meter.sockets}`,
    `reconnects ${meter.reconnects}`,
    ...labelled('refused', meter.refusedHandshakes),
    ...labelled('closed', meter.closeCodes),
    `lag ${Math.round(lagMs)} ms`,
  ].join('  ');
}

export function table(figures: LoadFigures, thresholds: readonly Threshold[]): string {
  const { questions, generator, stopped, faults } = figures;
  const rows: (readonly [name: string, value: string])[] = [
    [
      'relay',
      `${figures.url} by ${figures.transport}, ${figures.streams} streams, ${figures.perSocket} a socket`,
    ],
    ['time', `${figures.seconds} s${ENDED[stopped]}`],
    [
      'questions',
      `${questions.started}: ${questions.answered} answered${by(figures)}, ${questions.cancelled} cancelled`,
    ],
    ['errors', withCounts(questions.failed, figures.errors)],
    ['first token', times(figures.firstTokenMs)],
    ['whole answer', times(figures.wholeAnswerMs)],
    ['connecting', times(figures.connectingMs)],
    ['resuming', times(figures.resumingMs)],
    ['deltas', `${figures.deltas}, ${figures.deltasPerSecond} a second; ${bytesOf(figures.bytes)}`],
    ['connections', connections(figures)],
    [
      'whole',
      `${faults.missing} deltas missing, ${faults.doubled} doubled, ${faults.incomplete} texts incomplete`,
    ],
    ['tokens', `${figures.inputTokens} in, ${figures.outputTokens} out${cost(figures)}`],
    [
      'this computer',
      `late by ${generator.lagMs.p50} ms, ${generator.lagMs.p99} ms at the 99th percentile, ${generator.lagMs.max} ms at most; busy for ${percent(generator.utilization)} of the time`,
    ],
  ];
  const lines = rows.map(([name, value]) => `${name.padEnd(14)}${value}`);
  const verdicts = thresholds.map(({ name, text, holds }) => `${holds ? 'ok  ' : 'miss'}  ${name}: ${text}`);
  return [...lines, '', ...verdicts, ...advice(figures), ''].join('\n');
}

const ENDED = { time: '', interrupted: ', stopped by Ctrl-C', cost: ', stopped by --max-cost-usd' } as const;

function advice({ errors, generator }: LoadFigures): string[] {
  const lines = Object.keys(errors).flatMap((code) =>
    Object.hasOwn(ADVICE, code) ? [`note  ${code}: ${ADVICE[code]}`] : [],
  );
  if (generator.isBottleneck)
    lines.push('void  this computer was too slow for this load: take fewer --streams, or several computers');
  return lines;
}

function by({ answeredBy, transport }: LoadFigures): string {
  const names = Object.keys(answeredBy);
  return names.every((name) => name === transport) ? '' : ` (${counts(answeredBy)})`;
}

function cost({ costUsd }: LoadFigures): string {
  return costUsd === null ? ' (simulated)' : `, $${costUsd.toFixed(4)}`;
}

function connections({ reconnects, cuts, resumes, refusedHandshakes, closeCodes }: LoadFigures): string {
  return [
    `${cuts} cut on purpose`,
    `${reconnects} reconnects`,
    `${resumes} streams resumed`,
    ...labelled('refused', refusedHandshakes),
    ...labelled('closed', closeCodes),
  ].join(', ');
}

function times({ count, p50, p95, p99, max }: Percentiles): string {
  return count === 0 ? '-' : `p50 ${p50} ms, p95 ${p95}, p99 ${p99}, max ${max} (${count})`;
}

type Counts = Readonly<Record<string, number>>;

function withCounts(sum: number, each: Counts): string {
  return sum === 0 ? '0' : `${sum} (${counts(each)})`;
}

function labelled(label: string, each: Counts): string[] {
  return Object.keys(each).length === 0 ? [] : [`${label} ${counts(each)}`];
}

function counts(each: Counts): string {
  return Object.entries(each)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

function bytesOf(bytes: number): string {
  const power = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const scaled = bytes / 1000 ** power;
  return `${power === 0 ? scaled : scaled.toFixed(1)} ${UNITS[power]}`;
}
