/** What a relay says of itself at one moment: its metrics, and whether it takes traffic. */
import { networkReason } from '../command-line/network-reason.ts';
import { parseExposition, type Samples } from './exposition.ts';

export interface RelayAddress {
  /** Of the metrics, `http://127.0.0.1:9091/metrics`. */
  readonly metrics: string;
  /** Of the health, `http://127.0.0.1:8787/readyz`. */
  readonly ready: string;
  /** For whatever proxy stands in front of the metrics. */
  readonly token: string | undefined;
}

export interface Scrape {
  /** Monotonic ms. */
  readonly at: number;
  readonly samples: Samples;
  /** Undefined where that address has none, as a metrics port. */
  readonly health: RelayHealth | undefined;
}

export interface RelayHealth {
  /** In the words of `/readyz`: ready, starting, draining … */
  readonly status: string;
  readonly dependencies: Readonly<Record<string, string>>;
  /** How each process is, by its number, in the same words; none of a relay that is one process. */
  readonly workers?: Readonly<Record<string, string>>;
}

/** There are no metrics to be had now: the message says why, and what to do. */
export class ScrapeError extends Error {}

const LIMIT_MS = 5000;
const SEE_ADDRESS: Readonly<Record<number, string>> = {
  401: 'a proxy wants a token: give --token',
  403: 'the main port gives metrics to its own computer alone: ask there, or METRICS_PORT through `ssh -L`',
  404: 'there are no metrics at this address: in production they have a port of their own, METRICS_PORT (9091)',
};

/** @param now monotonic ms @throws ScrapeError */
export async function scrape({ metrics, ready, token }: RelayAddress, now: () => number): Promise<Scrape> {
  const [response, health] = await Promise.all([ask(metrics, token), healthAt(ready)]);
  if (response.status !== 200)
    throw new ScrapeError(`${response.status}: ${SEE_ADDRESS[response.status] ?? 'this is no relay'}`);
  const samples = samplesIn(response.text);
  if (!samples.has('dash_live_streams'))
    throw new ScrapeError('these are metrics of something else: name a relay by --url');
  return { at: now(), samples, health };
}

function samplesIn(text: string): Samples {
  try {
    return parseExposition(text);
  } catch {
    throw new ScrapeError('the answer is no Prometheus metrics: name a relay by --url');
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** @throws ScrapeError where nobody answers */
async function ask(url: string, token?: string): Promise<Answer> {
  try {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(LIMIT_MS) });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    throw new ScrapeError(`nobody answers (${networkReason(error)})`, { cause: error });
  }
}

async function healthAt(url: string): Promise<RelayHealth | undefined> {
  try {
    const { text } = await ask(url);
    const body = JSON.parse(text) as Partial<RelayHealth> | null;
    if (typeof body?.status !== 'string') return undefined;
    return { status: body.status, dependencies: body.dependencies ?? {}, workers: body.workers ?? {} };
  } catch {
    return undefined; // the metrics say whether the relay is there
  }
}
