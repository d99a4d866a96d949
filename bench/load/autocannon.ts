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
  readonly requests: number;
  /** Every answer has this status, or the shots count for nothing. */
  readonly status: number;
}

const AUTOCANNON = fileURLToPath(import.meta.resolve('autocannon'));

interface Output {
  readonly statusCodeStats: Readonly<Record<string, { readonly count: number }>>;
}

/** How many answers came. @throws Error when an answer has another status, or none came */
export async function fire(shots: Shots): Promise<number> {
  const { port, path, headers, body, connections, requests, status } = shots;
  const flags = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const post = body === undefined ? [] : ['-m', 'POST', '-b', body];
  const { stdout } = await promisify(execFile)(process.execPath, [
    AUTOCANNON,
    '--json',
    '--no-progress',
    ...['-c', String(connections), '-a', String(requests)],
    ...flags,
    ...post,
    `http://127.0.0.1:${port}${path}`,
  ]);
  const { statusCodeStats } = JSON.parse(stdout) as Output;
  const answers = statusCodeStats[String(status)]?.count ?? 0;
  if (answers === 0 || Object.keys(statusCodeStats).length > 1) {
    throw new Error(`${path} answered not only ${status}: ${JSON.stringify(statusCodeStats)}`);
  }
  return answers;
}
