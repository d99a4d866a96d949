/** One free question to the API: does it take the key? Only a clear answer counts; a gateway may not know the route. */
import type { IncomingHttpHeaders } from 'node:http';
import type Anthropic from '@anthropic-ai/sdk';
import type { Clock } from '../time/clock.ts';
import type { AccountFailure } from './account.ts';
import { errorNames, requestIdOf } from './api-names.ts';
import { ErrorBody, type Sender, type SenderInit, transportRequest } from './sdk-fetch.ts';
import type { ExchangeListener, Transport } from './transport/transport.ts';

export type AccountVerdict =
  | { readonly kind: 'accepted' | 'unclear' }
  | { readonly kind: 'refused'; readonly failure: AccountFailure };

const REFUSALS: ReadonlySet<number> = new Set([401, 402, 403]);
const TIMEOUT_MS = 10_000;
const UNCLEAR: AccountVerdict = { kind: 'unclear' };

/** Resolves with what the API says of the key, or within ten seconds with `unclear`. Never rejects. */
export async function checkAccount(
  client: Anthropic,
  transport: Transport,
  clock: Clock,
): Promise<AccountVerdict> {
  const check = new AccountCheck(transport);
  const deadline = clock.after(TIMEOUT_MS, () => check.giveUp());
  const fetchOptions: SenderInit = { sender: check };
  // The SDK makes the request, with the key where it belongs; the answer is read here.
  client.models.list({ limit: 1 }, { fetchOptions }).catch(() => check.giveUp());
  const verdict = await check.verdict;
  deadline.cancel();
  return verdict;
}

class AccountCheck implements Sender, ExchangeListener {
  readonly #transport: Transport;
  readonly #verdict = Promise.withResolvers<AccountVerdict>();
  readonly #body = new ErrorBody();
  #cancel: () => void = () => {};
  #status = 0;
  #headers: IncomingHttpHeaders = {};

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get verdict(): Promise<AccountVerdict> {
    return this.#verdict.promise;
  }

  async fetch(url: string, init: RequestInit): Promise<never> {
    const exchange = this.#transport.send(transportRequest(url, init), this);
    this.#cancel = () => exchange.cancel();
    await this.#verdict.promise;
    throw new Error('the answer has been read');
  }

  giveUp(): void {
    this.#cancel();
    this.#verdict.resolve(UNCLEAR);
  }

  sent(): void {
    // Nothing waits for it.
  }

  response(status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
    if (status >= 200 && status < 300) this.#verdict.resolve({ kind: 'accepted' });
  }

  data(bytes: Buffer): void {
    if (!this.#body.push(bytes)) this.#cancel();
  }

  ended(): void {
    // `closed` follows.
  }

  failed(): void {
    // Likewise.
  }

  closed(): void {
    this.#body.end();
    void this.#body.text.then((text) => this.#verdict.resolve(this.#classify(text)));
  }

  #classify(text: string): AccountVerdict {
    const status = this.#status;
    if (!REFUSALS.has(status)) return UNCLEAR;
    const { type, errorCode, requestId } = errorNames(parsed(text));
    return {
      kind: 'refused',
      failure: { status, type, errorCode, requestId: requestIdOf(this.#headers['request-id']) ?? requestId },
    };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
