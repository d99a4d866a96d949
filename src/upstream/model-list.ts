/** What the API says of its models (`GET /v1/models`): all pages, bounded in bytes, pages and time. What it means is the models' affair. */
import type Anthropic from '@anthropic-ai/sdk';
import type { Listing, NoListing } from '../models/model-watch.ts';
import { parseJson } from '../protocol/parse-json.ts';
import type { Clock } from '../time/clock.ts';
import { modelName } from './api-names.ts';
import { type PlainAnswer, plainRequest } from './plain-request.ts';
import type { Transport } from './transport/transport.ts';

const PAGE = 100;
/** There are some two dozen models: a list that goes on is none. */
const MOST_PAGES = 10;
/** Of a page, which has some 2 kB for each model. */
const MAX_BYTES = 1024 * 1024;
/** For each page, ms. */
const TIMEOUT_MS = 10_000;
const BOUNDS = { depth: 32, values: 100_000 } as const;
const ENDLESS = { kind: 'failed', reason: 'endless', status: 200 } as const;
const DENIALS: ReadonlySet<number> = new Set([403, 404, 405, 501]);

/** Resolves within some seconds. Never rejects. */
export async function listModels(client: Anthropic, transport: Transport, clock: Clock): Promise<Listing> {
  const models: unknown[] = [];
  let after: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const limits = { maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS };
    const asked = {
      limit: PAGE,
      // Retired ones are told only to those who ask for them.
      lifecycle: ['active', 'deprecated', 'retired'] satisfies Anthropic.ModelListParams['lifecycle'],
      ...(after === undefined ? {} : { after_id: after }),
    };
    const answer = await plainRequest({ transport, clock, ...limits }, (fetchOptions) =>
      client.models.list(asked, { fetchOptions }),
    );
    const read = readPage(answer);
    if (read.kind !== 'page') return read;
    models.push(...read.models);
    if (read.next === null) return { kind: 'listed', models };
    if (read.next === after) return ENDLESS;
    after = read.next;
  }
  return ENDLESS;
}

interface Page {
  readonly kind: 'page';
  readonly models: readonly unknown[];
  /** Where the next one begins; null where this is the last. */
  readonly next: string | null;
}

function readPage({ status, text, isWhole }: PlainAnswer): Page | NoListing {
  const failed = (reason: Failed['reason']): Failed => ({ kind: 'failed', reason, status });
  if (DENIALS.has(status)) return { kind: 'denied', status };
  if (status === 0) return failed('unreachable');
  if (status !== 200) return failed('refused');
  if (!isWhole) return failed('incomplete');
  const { data, has_more: hasMore, last_id: last } = fieldsOf(text);
  if (!Array.isArray(data)) return failed('malformed');
  if (hasMore !== true) return { kind: 'page', models: data, next: null };
  const next = modelName(last);
  return next === null ? failed('malformed') : { kind: 'page', models: data, next };
}

type Failed = Extract<Listing, { kind: 'failed' }>;

function fieldsOf(text: string): { readonly [Name in 'data' | 'has_more' | 'last_id']?: unknown } {
  try {
    const value = parseJson(text, BOUNDS);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
