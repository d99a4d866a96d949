/**
 * The operator's endpoint: one signed request to it, as Standard Webhooks has it (https://www.standardwebhooks.com), and what
 * came of it. Does not own when there is one, or another.
 */
import { Webhook } from 'standardwebhooks';
import { guardedLookup, isRefusedHost, type Reach, type ResolveName } from '../outgoing/address-guard.ts';
import { type PostAnswer, postOnce } from '../outgoing/post-once.ts';
import type { Clock } from '../time/clock.ts';

/**
 * `delivered`: 2xx, to its end. `failed`: no connection, or one that broke; `late`: not within 15 s; `status`: any other
 * status; `gone`: 410, nothing is wanted there any more; `address`: not to be reached from here; `stopped`: by its signal.
 */
export type DeliveryOutcome =
  | 'delivered'
  | 'failed'
  | 'late'
  | 'redirect'
  | 'status'
  | 'gone'
  | 'address'
  | 'stopped';

export interface AttemptResult {
  readonly outcome: DeliveryOutcome;
  /** Null where none came. */
  readonly status: number | null;
  /** What the endpoint asks to be left alone for, ms. */
  readonly retryAfterMs: number | null;
}

export interface EndpointParts {
  readonly url: string;
  /** `whsec_` and base64 each: all sign, so that a receiver takes one while it is changed for another. */
  readonly secrets: readonly string[];
  readonly reach: Reach;
  readonly clock: Clock;
  /** In place of the system's. */
  readonly resolve?: ResolveName | undefined;
}

/** From the first packet to the last byte of the answer. */
const WITHIN_MS = 15_000;
const GONE = 410;
const LONGEST_RETRY_AFTER_MS = 86_400_000;

export class WebhookEndpoint {
  readonly #parts: EndpointParts;
  readonly #signers: readonly Webhook[];

  /** @throws Error where a secret is none */
  constructor(parts: EndpointParts) {
    this.#parts = parts;
    this.#signers = parts.secrets.map((secret) => new Webhook(secret));
  }

  /** Never rejects. @param id without a dot, the same for the same event */
  async deliver(id: string, body: string, signal: AbortSignal): Promise<AttemptResult> {
    const { url, reach, clock, resolve } = this.#parts;
    if (isRefusedHost(url, reach)) return REFUSED;
    let isRefused = false;
    const lookup = guardedLookup(
      reach,
      () => {
        isRefused = true;
      },
      resolve,
    );
    const headers = this.#headers(id, body);
    const answer = await postOnce(
      { url, body, headers, timeoutMs: WITHIN_MS, signal, wantsText: false, lookup },
      clock,
    );
    return isRefused ? REFUSED : deliveryOf(answer, clock.now());
  }

  #headers(id: string, body: string): Record<string, string> {
    const now = new Date(this.#parts.clock.now());
    return {
      'content-type': 'application/json',
      'user-agent': 'dash-relay',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': this.#signers.map((signer) => signer.sign(id, now, body)).join(' '),
    };
  }
}

const REFUSED: AttemptResult = { outcome: 'address', status: null, retryAfterMs: null };

/** Who answers 2xx with more than anybody reads has taken it. */
function deliveryOf({ outcome, status, retryAfter }: PostAnswer, now: number): AttemptResult {
  const retryAfterMs = retryAfter === null ? null : waitOf(retryAfter, now);
  if (outcome === 'answered' || outcome === 'too_large')
    return { outcome: 'delivered', status, retryAfterMs: null };
  if (outcome === 'status' && status === GONE) return { outcome: 'gone', status, retryAfterMs };
  return { outcome: outcome === 'not_text' ? 'failed' : outcome, status, retryAfterMs };
}

/** Seconds, or a date. */
function waitOf(header: string, now: number): number | null {
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), LONGEST_RETRY_AFTER_MS) : null;
}
