/**
 * `POST /dev/token {sub?, tier?, expiresIn?}`: tokens of the development issuer, for this machine only. With
 * `"tier": null` a token has none, as a user's without a plan. The answer says whether answers are simulated.
 */
import type { RouteHandlerMethod } from 'fastify';
import type { DevelopmentIssuer, MintRequest } from '../../auth/development-issuer.ts';
import { RelayError } from '../../protocol/relay-error.ts';

/** It asks for no token, and its body says little. */
export const MAX_DEV_TOKEN_BYTES = 4096;
const DEFAULT_EXPIRES_IN = 3600;
/** Has no quota: who tries the relay should not meet one without asking for it. */
const DEFAULT_TIER = 'enterprise';

export function devTokenHandler(
  issuer: Pick<DevelopmentIssuer, 'mint'>,
  simulated: boolean,
): RouteHandlerMethod {
  return async ({ body }) => {
    const { sub, tier = DEFAULT_TIER, expiresIn = DEFAULT_EXPIRES_IN } = mintRequest(body);
    const token = await issuer.mint({ sub, tier: tier ?? undefined, expiresIn });
    return { access_token: token, token_type: 'bearer', expires_in: expiresIn, simulated };
  };
}

/** The values are the issuer's to judge. */
function mintRequest(body: unknown): MintRequest {
  if (body === undefined) return {};
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new RelayError('bad_request', 'the body must be a JSON object');
  }
  return body;
}
