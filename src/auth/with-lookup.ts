/** Joins what tokens prove with what is looked up: who a user is comes from the token, tier and organisation from a server. */
import type { Authenticator, Identity, IdentityLookup, Principal } from './port.ts';

/**
 * What the lookup knows of a user decides tier and organisation, its nulls too; where it knows nothing the token's claims
 * count. Only verified tokens are looked up, and no anonymous users: these have a plan of their own.
 */
export function withLookup(authenticator: Authenticator, lookup: IdentityLookup): Authenticator {
  /** The principal as its token named it. */
  const byToken = new WeakMap<Principal, Principal>();
  const tokenOf = (principal: Principal): Principal => byToken.get(principal) ?? principal;
  const join = (token: Principal, identity: Identity | null | undefined): Principal => {
    if (identity === null || identity === undefined) return token;
    const principal = { ...token, ...identity };
    byToken.set(principal, token);
    return principal;
  };
  return {
    async verify(text) {
      const token = await authenticator.verify(text);
      return token.anonymous ? token : join(token, await lookup.find(token.userId));
    },
    current(principal) {
      if (principal.anonymous) return principal;
      const identity = lookup.known(principal.userId);
      return identity === undefined ? principal : join(tokenOf(principal), identity);
    },
    withdrawn: (principal) => authenticator.withdrawn(tokenOf(principal)),
    async start() {
      await Promise.all([authenticator.start(), lookup.start()]);
    },
    get ready() {
      return authenticator.ready;
    },
    get keySet() {
      return authenticator.keySet;
    },
    close() {
      authenticator.close();
      lookup.close();
    },
  };
}
