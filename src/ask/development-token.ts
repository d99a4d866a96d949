import { setTimeout as delay } from 'node:timers/promises';

export interface DevelopmentToken {
  readonly token: string;
  /** Answers there come from the simulated model, for nothing. */
  readonly simulated: boolean;
}

/** How often a relay that says "not so fast" is asked again. */
const ATTEMPTS = 20;

/**
 * A token of the development issuer, without a quota.
 * @param user UUID of whom it is; absent: of the one user that the issuer has
 * @throws TypeError where nothing listens; Error where it gives no token
 */
export async function developmentToken(url: string, user?: string): Promise<DevelopmentToken> {
  for (let attempt = 1; ; attempt += 1) {
    const response = await fetch(`${url.replace(/\/$/, '')}/dev/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tier: 'enterprise', sub: user }),
    });
    if (response.status === 429 && attempt < ATTEMPTS) {
      await delay(1000 * Number(response.headers.get('retry-after') ?? 1));
      continue;
    }
    if (!response.ok)
      throw new Error(`the relay issues no development token (${response.status}); set DASH_TOKEN`);
    const { access_token: token, simulated } = (await response.json()) as Answer;
    return { token, simulated: simulated === true };
  }
}

interface Answer {
  readonly access_token: string;
  readonly simulated?: boolean;
}
