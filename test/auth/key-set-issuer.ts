import { afterEach } from 'vitest';
import { createAuthenticator } from '../../src/auth/create-authenticator.ts';
import type { Authenticator } from '../../src/auth/port.ts';
import type { KeySetEvent } from '../../src/auth/remote-keys.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { KeySetServer, TokenMint } from '../support/token-mint.ts';

/** An issuer with its key-set server, and the authenticator that trusts it, on a clock moved by hand. */
export interface KeySetIssuer {
  readonly clock: ManualClock;
  readonly mint: TokenMint;
  readonly server: KeySetServer;
  readonly authenticator: Authenticator;
  /** What the authenticator told of its fetches. */
  readonly events: KeySetEvent[];
  /** Moves the clock and waits for the fetch that this makes due. */
  advanceToFetch(ms: number): Promise<void>;
}

const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Not started yet; its server publishes the mint's key. Closed after the test. */
export async function keySetIssuer(options: { secret?: string } = {}): Promise<KeySetIssuer> {
  const clock = new ManualClock();
  const mint = new TokenMint(clock);
  const server = await new KeySetServer().listen();
  server.publish(mint.key);
  const events: KeySetEvent[] = [];
  let told = () => {};
  const authenticator = createAuthenticator({
    issuer: mint.issuer,
    clock,
    jwksUrl: server.url,
    ...options,
    onKeySet: (event) => {
      events.push(event);
      told();
    },
  });
  closers.push(
    () => authenticator.close(),
    () => server.close(),
  );
  const advanceToFetch = async (ms: number): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    told = resolve;
    clock.advance(ms);
    await promise;
    await settled();
  };
  return { clock, mint, server, authenticator, events, advanceToFetch };
}

/** Lets everything that waits for no I/O run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
