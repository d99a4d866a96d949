/** What the panel shows at one instant. Lists are oldest first. */
import type { Transport } from '../client/index.ts';

export interface Reading {
  /** Answers under way. */
  readonly live: number;
  /** By which the latest text came. */
  readonly transport: Transport | undefined;
  /** From Send to the first words, ms, of the latest answers. */
  readonly firstWordsMs: readonly number[];
  /** Deltas that arrived in each sample. */
  readonly deltas: readonly number[];
  readonly resumes: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Output tokens of each of the latest answers. */
  readonly answers: readonly number[];
  readonly events: readonly LoggedEvent[];
}

/** One line of the panel's log. */
export interface LoggedEvent {
  readonly id: number;
  /** Unix ms. */
  readonly at: number;
  readonly text: string;
  readonly tone: 'plain' | 'good' | 'bad';
}

export const SAMPLE_MS = 250;
const SAMPLES = 60;
const SPEED_SAMPLES = 8;
const LATEST = 20;
const EVENTS = 30;

export const NOTHING: Reading = {
  live: 0,
  transport: undefined,
  firstWordsMs: [],
  deltas: Array.from({ length: SAMPLES }, () => 0),
  resumes: 0,
  inputTokens: 0,
  outputTokens: 0,
  answers: [],
  events: [],
};

/** Over the last two seconds. */
export function deltasPerSecond({ deltas }: Reading): number {
  return (sum(deltas.slice(-SPEED_SAMPLES)) * 1000) / (SPEED_SAMPLES * SAMPLE_MS);
}

export function isQuiet({ live, deltas }: Reading): boolean {
  return live === 0 && sum(deltas) === 0;
}

export function withSample(reading: Reading, count: number): Reading {
  return { ...reading, deltas: [...reading.deltas, count].slice(-SAMPLES) };
}

export function withFirstWords(reading: Reading, ms: number): Reading {
  return { ...reading, firstWordsMs: [...reading.firstWordsMs, ms].slice(-LATEST) };
}

export function withUsage(reading: Reading, input: number, output: number): Reading {
  return {
    ...reading,
    inputTokens: reading.inputTokens + input,
    outputTokens: reading.outputTokens + output,
    answers: [...reading.answers, output].slice(-LATEST),
  };
}

export function withLoggedEvent(reading: Reading, event: LoggedEvent): Reading {
  return { ...reading, events: [...reading.events, event].slice(-EVENTS) };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
