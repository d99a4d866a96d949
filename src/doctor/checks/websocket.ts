/** Whether WebSockets reach the relay, whether pings pass both ways, and whether a silent one stays. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { networkReason } from '../../command-line/network-reason.ts';
import { SUBPROTOCOL } from '../../protocol/frames.ts';
import { fix, type Line, ok } from '../line.ts';

/** For a pong, ms. */
const PONG_MS = 5000;

/** What a handshake came to: an open socket, or the status of a refusal. */
type Handshake = { readonly socket: WebSocket } | { readonly status: number; readonly isRelay: boolean };

export async function websocketLines(
  { url, silentSeconds }: { readonly url: string; readonly silentSeconds: number },
  token: string | undefined,
  signal: AbortSignal,
): Promise<Line[]> {
  const named = `${url}: WebSockets`;
  try {
    const answer = await handshake(`${url.replace(/^http/, 'ws')}/v1/ws`, token, signal);
    if (!('socket' in answer)) return [refusedLine(named, answer, token !== undefined)];
    const { socket } = answer;
    signal.addEventListener('abort', () => socket.terminate(), { once: true });
    const lines = [await pingLine(named, socket)];
    if (silentSeconds > 0 && socket.readyState === WebSocket.OPEN)
      lines.push(await silenceLine(named, socket, silentSeconds, signal));
    socket.terminate();
    return lines;
  } catch (error) {
    return [fix(`${named}: nobody answers (${networkReason(error)}): see to the proxy`)];
  }
}

async function handshake(url: string, token: string | undefined, signal: AbortSignal): Promise<Handshake> {
  const { promise, resolve, reject } = Promise.withResolvers<Handshake>();
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const socket = new WebSocket(url, [SUBPROTOCOL], { headers, signal });
  socket.on('error', reject);
  socket.once('open', () => resolve({ socket }));
  socket.once('unexpected-response', (_request, response) => {
    refusalOf(response).then(resolve, reject);
  });
  return await promise;
}

async function refusalOf(response: IncomingMessage): Promise<Handshake> {
  const { socket, statusCode: status = 0 } = response;
  const text = (await response.setEncoding('utf8').toArray()).join('');
  socket.destroy(); // a proxy would keep it for the next request
  return { status, isRelay: /"code":"\w+"/.test(text) };
}

function refusedLine(
  named: string,
  { status, isRelay }: { status: number; isRelay: boolean },
  hasToken: boolean,
): Line {
  if (!isRelay || status === 426)
    return fix(
      `${named}: the proxy takes the upgrade away (${status}): have it pass Upgrade and Connection on, over HTTP/1.1 (docs/proxies has how)`,
    );
  if (status === 401 && !hasToken) return ok(`${named}: upgrades reach the relay`);
  if (status === 401) return fix(`${named}: the token is refused (401): give one that is valid`);
  if (status === 503)
    return fix(
      `${named}: the relay takes none now (503): it is full, draining, or streaming is switched off`,
    );
  return fix(`${named}: the relay refuses the handshake (${status}): its log says why`);
}

async function pingLine(named: string, socket: WebSocket): Promise<Line> {
  const tookMs = await pong(socket);
  return tookMs === undefined
    ? fix(`${named}: open, but no pong comes back within ${PONG_MS / 1000} s: the proxy holds control frames`)
    : ok(`${named}: open, and a ping comes back in ${tookMs} ms`);
}

/** How long it took, ms; undefined: it did not come, or the socket was closed. */
async function pong(socket: WebSocket): Promise<number | undefined> {
  const sentAt = Date.now();
  const late = AbortSignal.timeout(PONG_MS);
  const heard = Promise.race([once(socket, 'pong', { signal: late }), closed(socket)]);
  socket.ping();
  try {
    return (await heard) === 'closed' ? undefined : Date.now() - sentAt;
  } catch {
    return undefined;
  }
}

async function silenceLine(
  named: string,
  socket: WebSocket,
  seconds: number,
  signal: AbortSignal,
): Promise<Line> {
  const since = Date.now();
  let pings = 0;
  socket.on('ping', () => {
    pings += 1;
  });
  const ended = await Promise.race([closed(socket), sleep(seconds * 1000, 'open' as const, { signal })]);
  if (ended === 'closed' || (await pong(socket)) === undefined) {
    const after = Math.round((Date.now() - since) / 1000);
    return fix(
      `${named}: one that said nothing was closed within ${after} s: have the proxy wait longer than HEARTBEAT_MS`,
    );
  }
  return ok(`${named}: one that said nothing stayed for ${seconds} s, with ${pings} pings of the relay`);
}

async function closed(socket: WebSocket): Promise<'closed'> {
  if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close');
  return 'closed';
}
