/**
 * Has the n-th thing that a handler waits for fail. What it is asked through are the ports of the core, so that whoever
 * implements them may fail in whichever way.
 */
import type { Upstream } from '../../src/upstream/port.ts';

/**
 * - `throws` before there is a promise
 * - `rejects`, and nothing was done
 * - `loses the answer`: all was done, and it rejects
 */
export const FAILURES = ['throws', 'rejects', 'loses the answer'] as const;
export type Failure = (typeof FAILURES)[number];

/** What a failure says: for the operator at most, never for a client. */
export const SECRET = 'what-only-the-operator-may-know';

/** The methods that give a promise. */
type Promising<Port> = {
  [Name in keyof Port]-?: Port[Name] extends (...given: never[]) => Promise<unknown> ? Name : never;
}[keyof Port];

export class Injector {
  /** What was waited for while it counted, in order. */
  readonly waits: string[] = [];
  /** What was waited for in vain, and how that failed. */
  failed: { readonly wait: string; readonly error: Error } | undefined;
  readonly failure: Failure;
  readonly #at: number;
  #counts = false;

  /** @param at which wait fails, from 1; 0: none */
  constructor(at: number, failure: Failure) {
    this.#at = at;
    this.failure = failure;
  }

  /** Counts for as long as this takes. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#counts = true;
    try {
      return await work();
    } finally {
      this.#counts = false;
    }
  }

  /** @param awaited each method that gives a promise, and whether it counts */
  wrap<Port extends object>(
    name: string,
    port: Port,
    awaited: Readonly<Record<Promising<Port>, boolean>>,
  ): Port {
    const counted = new Map<PropertyKey, unknown>(Object.entries(awaited));
    return new Proxy(port, {
      get: (_, property) => {
        const value: unknown = Reflect.get(port, property, port);
        if (typeof value !== 'function') return value;
        const call = (...given: unknown[]) => Reflect.apply(value, port, given) as Promise<unknown>;
        if (counted.get(property) !== true) return call;
        return (...given: unknown[]) => this.#wait(`${name}.${String(property)}`, () => call(...given));
      },
    });
  }

  /** Its `open` fails by throwing, and the ending of its call by rejecting: neither may happen, as the port says. */
  upstream(upstream: Upstream): Upstream {
    return {
      get openRequests() {
        return upstream.openRequests;
      },
      open: (request, sink, signal) => {
        if (this.#isNext('upstream.open')) throw this.#fail('upstream.open');
        const call = upstream.open(request, sink, signal);
        const ended = (async () => this.#wait('upstream.ended', () => call.ended))();
        return { ended, flushed: call.flushed, usage: () => call.usage() };
      },
      countTokens: (request, signal) =>
        this.#wait('upstream.countTokens', () => upstream.countTokens(request, signal)),
      close: () => upstream.close(),
    };
  }

  #wait<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    if (!this.#isNext(name)) return work();
    if (this.failure === 'throws') throw this.#fail(name);
    return this.#reject(name, work);
  }

  async #reject(name: string, work: () => Promise<unknown>): Promise<never> {
    if (this.failure === 'loses the answer') await work();
    throw this.#fail(name);
  }

  #isNext(name: string): boolean {
    if (!this.#counts) return false;
    this.waits.push(name);
    return this.waits.length === this.#at;
  }

  #fail(wait: string): Error {
    const error = new Error(SECRET);
    this.failed = { wait, error };
    return error;
  }
}

/** Whether an event is about that error, which may lie some causes deep. */
export function isAbout(event: unknown, error: Error): boolean {
  for (let at = event; typeof at === 'object' && at !== null; at = (at as { cause?: unknown }).cause)
    if (at === error) return true;
  return false;
}
