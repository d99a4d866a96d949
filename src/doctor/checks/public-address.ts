/**
 * The relay as clients reach it, through whatever proxy stands in front: its certificate, whether events arrive as they are
 * written, whether WebSockets and their pings pass, and that nothing private is published.
 */
import { developmentToken } from '../../ask/development-token.ts';
import { networkReason } from '../../command-line/network-reason.ts';
import { isLoopbackHost } from '../../http/admission/local-request.ts';
import { exchange } from '../exchange.ts';
import { fix, type Line, note, ok } from '../line.ts';
import { certificateLine } from './certificate.ts';
import { eventsLine } from './events.ts';
import { websocketLines } from './websocket.ts';

export interface PublicAddress {
  /** `https://relay.example.com`, without a slash at its end. */
  readonly url: string;
  readonly token: string | undefined;
  /** What is asked to see events arrive. */
  readonly action: string;
  /** How long a WebSocket is left silent, seconds; 0: not at all. */
  readonly silentSeconds: number;
}

export async function checkPublicAddress(
  address: PublicAddress,
  signal: AbortSignal,
): Promise<readonly Line[]> {
  const [certificate, ready, metrics] = await Promise.all([
    certificateLine(address.url, signal),
    readyLine(address.url, signal),
    metricsLines(address.url, signal),
  ]);
  const before = [...certificate, ready, ...metrics];
  if (ready.mark === 'fix') return before;
  const token = address.token ?? (await mintedToken(address.url));
  const streaming =
    token === undefined
      ? [
          note(
            `${address.url}: events and pings are not tried without the token of a user: give --token or DASH_TOKEN`,
          ),
        ]
      : [await eventsLine(address, token, signal)];
  return [...before, ...streaming, ...(await websocketLines(address, token, signal))];
}

async function readyLine(url: string, signal: AbortSignal): Promise<Line> {
  try {
    const { response } = await exchange(`${url}/readyz`, { signal });
    const state = stateIn(await response.text());
    if (state === undefined)
      return fix(
        `${url}: who answers (${response.status}) is no relay: see to the address and to where the proxy sends requests`,
      );
    return response.status === 200
      ? ok(`${url}: the relay is ready`)
      : fix(`${url}: the relay says ${state}: its log and docs/runbook.md say why`);
  } catch (error) {
    return fix(
      `${url}: nobody answers (${networkReason(error)}): see to the address, the proxy and its certificate`,
    );
  }
}

function stateIn(text: string): string | undefined {
  return /^\{"status":"(\w+)"/.exec(text)?.[1];
}

/** In development the main port has them, for this computer. */
async function metricsLines(url: string, signal: AbortSignal): Promise<Line[]> {
  if (isLoopbackHost(new URL(url).hostname)) return [];
  try {
    const { response } = await exchange(`${url}/metrics`, { signal });
    const isPublished = response.status === 200 && (await response.text()).includes('dash_');
    return isPublished
      ? [fix(`${url}/metrics: is published: have the proxy pass on the main port alone`)]
      : [];
  } catch {
    return []; // the line of /readyz says why
  }
}

async function mintedToken(url: string): Promise<string | undefined> {
  if (!isLoopbackHost(new URL(url).hostname)) return undefined;
  try {
    return (await developmentToken(url)).token;
  } catch {
    return undefined; // that it is asked for by hand is said then
  }
}
