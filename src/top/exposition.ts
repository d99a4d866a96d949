/**
 * The text format of Prometheus (0.0.4), read: https://prometheus.io/docs/instrumenting/exposition_formats. Strict: what is
 * not a sample of it is no answer of a relay. Help texts and types are not kept.
 */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** By the names of metrics; those of a histogram's parts are names of their own. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

/** What was read is no text of that format; the message says where. */
export class ExpositionError extends Error {}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?[ \t]*$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"[ \t]*(?:,[ \t]*|$)/y;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const NAMED_NUMBERS: Readonly<Record<string, number>> = {
  '+Inf': Number.POSITIVE_INFINITY,
  Inf: Number.POSITIVE_INFINITY,
  '-Inf': Number.NEGATIVE_INFINITY,
  NaN: Number.NaN,
  Nan: Number.NaN,
};
const ESCAPES: Readonly<Record<string, string>> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' };

/** @throws ExpositionError */
export function parseExposition(text: string): Samples {
  const samples = new Map<string, Sample[]>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, name, labels = '', value = ''] = SAMPLE.exec(line) ?? [];
    if (name === undefined) throw wrong(index);
    const sample = { labels: labelsOf(labels, index), value: numberOf(value, index) };
    const known = samples.get(name);
    if (known === undefined) samples.set(name, [sample]);
    else known.push(sample);
  }
  return samples;
}

function labelsOf(text: string, line: number): Record<string, string> {
  const labels: [string, string][] = [];
  let at = 0;
  while (at < text.length) {
    LABEL.lastIndex = at;
    const [whole, name = '', value = ''] = LABEL.exec(text) ?? [];
    if (whole === undefined) throw wrong(line);
    labels.push([name, value.replaceAll(/\\[\\"n]/g, (written) => ESCAPES[written] ?? written)]);
    at += whole.length;
  }
  return Object.fromEntries(labels);
}

function numberOf(text: string, line: number): number {
  const named = NAMED_NUMBERS[text];
  if (named !== undefined) return named;
  if (!NUMBER.test(text)) throw wrong(line);
  return Number(text);
}

function wrong(line: number): ExpositionError {
  return new ExpositionError(`line ${line + 1} is no sample of the Prometheus text format`);
}
