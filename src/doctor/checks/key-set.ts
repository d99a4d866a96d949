/** Whether tokens can be verified: the key set of the issuer, what it has, and the clock beside it. */
import { KeySet } from '../../auth/key-set.ts';
import { KeySetFault } from '../../auth/key-set-fault.ts';
import { networkReason } from '../../command-line/network-reason.ts';
import type { Config } from '../../config/environment.ts';
import { type Exchange, exchange } from '../exchange.ts';
import { fix, type Line, note, ok } from '../line.ts';
import { clockLine } from './clock.ts';

export async function checkKeySet({ auth }: Config, signal: AbortSignal): Promise<readonly Line[]> {
  if (auth.kind === 'development')
    return [note('SUPABASE_URL: is not set, so the relay issues its own tokens: for development only')];
  if (auth.jwksUrl === undefined)
    return [ok('SUPABASE_JWT_SECRET: tokens are verified by it (HS256); there is no key set to ask')];
  let answer: Exchange;
  try {
    answer = await exchange(auth.jwksUrl, { signal, headers: { accept: 'application/json' } });
  } catch (error) {
    return [
      fix(
        `key set: nobody answers (${networkReason(error)}): see to SUPABASE_URL or SUPABASE_JWKS_URL, the network and the certificates`,
      ),
    ];
  }
  return [await keysLine(answer, auth.secret !== undefined), clockLine(answer)];
}

async function keysLine({ response, sentAt, receivedAt }: Exchange, hasSecret: boolean): Promise<Line> {
  if (response.status !== 200)
    return fix(
      `key set: the answer is ${response.status} and not 200: see to SUPABASE_URL or SUPABASE_JWKS_URL`,
    );
  const keys = await keysOf(response);
  if (keys === undefined)
    return fix('key set: the answer is no key set: see to SUPABASE_URL or SUPABASE_JWKS_URL');
  const algorithms = [...keys.algorithms, ...(hasSecret ? ['HS256 by SUPABASE_JWT_SECRET'] : [])];
  if (keys.size > 0)
    return ok(
      `key set: ${keys.size === 1 ? 'one key' : `${keys.size} keys`} in ${receivedAt - sentAt} ms; tokens may be ${algorithms.join(', ')}`,
    );
  return hasSecret
    ? note(
        'key set: has no key that can be used, so tokens are verified by SUPABASE_JWT_SECRET alone (HS256)',
      )
    : fix(
        'key set: has no key that can be used, as of a project that signs with a shared secret: set SUPABASE_JWT_SECRET, or make signing keys (ES256, RS256) in the project',
      );
}

async function keysOf(response: Response): Promise<KeySet | undefined> {
  try {
    return await KeySet.from(await response.json());
  } catch (error) {
    if (error instanceof KeySetFault || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
