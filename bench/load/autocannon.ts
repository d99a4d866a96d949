/** Requests by autocannon, in a process of its own. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface Shots {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** With one it is a POST. */
  readonly body?: string;
  readonly connections: number;
  readonly seconds: number;
  /** Every answer has this status, or the shots count for nothing. */
  readonly status: number;
}

export interface Hits {
  readonly answers: number;
  /** ms. */
  readonly p50: number;
  readonly p99: number;
}

const AUTOCANNON = fileURLToPath(import.meta.resolve('autocannon'));

interface Output {
  readonly statusCodeStats: Readonly<Record<string, { readonly count: number }>>;
  readonly latency: { readonly p50: number; readonly p99: number };
}

/** @throws Error when an answer has another status, or none came */
export async function fire(shots: Shots): Promise<Hits> {
  const { port, path, headers, body, connections, seconds, status } = shots;
  const flags = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const post = body === undefined ? [] : ['-m', 'POST', '-b', body];
  const { stdout } = await promisify(execFile)(process.execPath, [
    AUTOCANNON,
    '--json',
    '--no-progress',
    ...['-c', String(connections), '-d', String(seconds)],
    ...flags,
    ...post,
    `http://127.0.0.1:${port}${path}`,
  ]);
  const { statusCodeStats, latency } = JSON.parse(stdout) as Output;
  const answers = statusCodeStats[String(status)]?.count ?? 0;
  if (answers === 0 || Object.keys(statusCodeStats).length > 1) {
    throw new Error(`${path} answered not only ${status}: ${JSON.stringify(statusCodeStats)}`);
  }
  return { answers, p50: latency.p50, p99: latency.p99 };
}
