/** Before a load begins: whether that is a relay which takes this token, and whether answers there cost money. */
import { randomUUID } from 'node:crypto';
import { type DevelopmentToken, developmentToken } from '../ask/development-token.ts';
import type { TokenGetter } from '../client/tokens.ts';
import { messageOf } from '../command-line/subcommand.ts';

/** What stands in the way of a load, in a sentence for whoever starts it. */
export class NotBegun extends Error {}

const ANSWER_WITHIN_MS = 10_000;
/** Asked for at once: the issuer is for this computer only, and the relay has other work. */
const AT_A_TIME = 8;

export interface Users {
  readonly tokens: readonly TokenGetter[];
  /** The relay itself says that its answers cost nothing. */
  readonly simulated: boolean;
}

/**
 * The users of a load.
 * @param given tokens; none: so many users of the relay's development issuer
 * @throws NotBegun
 */
export async function usersOf(url: string, given: readonly string[], count: number): Promise<Users> {
  if (given.length === 0) return await developmentUsers(url, count);
  await requireRelay(url, given[0] ?? '');
  return { tokens: given.map((token) => () => token), simulated: false };
}

async function developmentUsers(url: string, count: number): Promise<Users> {
  const tokens: TokenGetter[] = [];
  let simulated = true;
  const first = await mint(url, randomUUID());
  await requireRelay(url, first.token);
  const worker = async (): Promise<void> => {
    while (tokens.length < count) {
      const user = randomUUID();
      let held: Promise<DevelopmentToken> | undefined = mint(url, user);
      tokens.push(async ({ refresh }) => {
        if (refresh) held = undefined;
        held ??= mint(url, user);
        return (await held).token;
      });
      simulated &&= (await held).simulated;
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return { tokens, simulated };
}

async function mint(url: string, user: string): Promise<DevelopmentToken> {
  try {
    return await developmentToken(url, user);
  } catch (error) {
    throw new NotBegun(
      error instanceof TypeError
        ? unreachable(url, error)
        : `${messageOf(error)}, or give --token or --tokens`,
    );
  }
}

/** @throws NotBegun where another server answers, or the relay would refuse a socket */
async function requireRelay(url: string, token: string): Promise<void> {
  const response = await ask(`${url}/v1/session`, token);
  const { userId, error } = await sessionIn(response);
  if (response.ok && typeof userId === 'string') return;
  const { code, message } = error ?? {};
  if (typeof code !== 'string')
    throw new NotBegun(`what answers at ${url} is no Dash Relay (status ${response.status}): see to --url`);
  const what = code === 'unauthorized' ? 'refuses the token' : 'takes nobody now';
  throw new NotBegun(`the relay at ${url} ${what}: ${code}: ${message}`);
}

/** Of another server's answer nothing. */
interface Session {
  readonly userId?: unknown;
  readonly error?: { readonly code?: unknown; readonly message?: unknown };
}

async function sessionIn(response: Response): Promise<Session> {
  try {
    return ((await response.json()) ?? {}) as Session;
  } catch {
    return {};
  }
}

async function ask(url: string, token: string): Promise<Response> {
  try {
    const headers = { authorization: `Bearer ${token}` };
    return await fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  } catch (error) {
    throw new NotBegun(unreachable(new URL(url).origin, error));
  }
}

function unreachable(url: string, error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return `no relay answers at ${url}: ${messageOf(cause)}`;
}
