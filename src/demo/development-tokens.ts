/** Access tokens of this page, from the development issuer. A product asks its Supabase session instead. */
import type { Fetch, TokenGetter } from '../client/index.ts';

export interface DevelopmentTokens {
  readonly get: TokenGetter;
  /** Takes a token into use that is about to expire, so that the SDK has to see to a fresh one. */
  shorten(): Promise<void>;
}

/** Far below the relay's warning, longer than a round trip. */
const SHORT_S = 10;
const LONG_S = 3600;

/** `onMinted`: of each token, with its lifetime in seconds. `get` rejects where there is no network. */
export function createDevelopmentTokens(
  fetch: Fetch,
  onMinted: (lifetimeS: number) => void,
): DevelopmentTokens {
  let held: string | undefined;
  const mint = async (expiresIn: number): Promise<string> => {
    const response = await fetch('/dev/token', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      // A plan without quota: whoever tries the page should not meet one.
      body: JSON.stringify({ tier: 'enterprise', expiresIn }),
    });
    if (!response.ok) throw new TypeError(`the issuer answered ${response.status}`);
    const { access_token: token } = (await response.json()) as { readonly access_token: string };
    held = token;
    onMinted(expiresIn);
    return token;
  };
  return {
    get: ({ refresh }) => (refresh || held === undefined ? mint(LONG_S) : held),
    shorten: async () => void (await mint(SHORT_S)),
  };
}
