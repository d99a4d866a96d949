/** Whether server-sent events arrive as they are written: one short question is asked, and its answer is timed. */
import { networkReason } from '../../command-line/network-reason.ts';
import { exchange } from '../exchange.ts';
import { fix, type Line, note, ok } from '../line.ts';

const QUESTION = 'Count from 1 to 20 in words, one a line.';
/** An answer that was written in less time, or in fewer pieces, tells nothing of what holds it up. */
const TOO_SHORT_MS = 150;
const TOO_FEW_PIECES = 8;
/** Pieces of text that may come at once where all of them are written apart. */
const PIECES_AT_ONCE = 4;
/** Of the time in which the text was written: nothing came for so long. */
const SILENT_SHARE = 1 / 4;

interface Arrival {
  /** When text came, ms since the request was sent. */
  readonly times: readonly number[];
  /** How many pieces of text came. */
  readonly pieces: number;
  /** Of the whole answer. */
  readonly endMs: number;
  readonly text: string;
}

interface Ending {
  readonly type: string;
  readonly code?: string;
  readonly message?: string;
  /** The relay's own. */
  readonly timing?: { readonly firstTokenMs: number | null; readonly totalMs: number };
}

export async function eventsLine(
  { url, action }: { readonly url: string; readonly action: string },
  token: string,
  signal: AbortSignal,
): Promise<Line> {
  try {
    const { response, sentAt } = await exchange(`${url}/v1/chat`, {
      method: 'POST',
      signal,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
      body: JSON.stringify({ action, messages: [{ role: 'user', content: QUESTION }] }),
    });
    if (response.status !== 200) return refusedLine(url, response.status, await response.text());
    return arrivalLine(url, await arrivalOf(response, sentAt));
  } catch (error) {
    return fix(
      `${url}: events: the answer broke off (${networkReason(error)}): see to the time limits of the proxy`,
    );
  }
}

async function arrivalOf(response: Response, sentAt: number): Promise<Arrival> {
  const times: number[] = [];
  let [text, pieces] = ['', 0];
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    const now = piecesIn(text);
    if (now > pieces) times.push(Date.now() - sentAt);
    pieces = now;
  }
  return { times, pieces, endMs: Date.now() - sentAt, text };
}

function piecesIn(text: string): number {
  return text.split('event: chunk\n').length - 1;
}

function arrivalLine(url: string, { times, pieces, endMs, text }: Arrival): Line {
  const ending = endingIn(text);
  if (ending === undefined)
    return fix(`${url}: events: the answer broke off: see to the time limits of the proxy`);
  if (ending.type === 'error')
    return fix(`${url}: events: the answer ended with ${ending.code}: the relay's log says why`);
  const { firstTokenMs = null, totalMs = 0 } = ending.timing ?? {};
  const writtenMs = totalMs - (firstTokenMs ?? totalMs);
  if (writtenMs < TOO_SHORT_MS || pieces < TOO_FEW_PIECES)
    return note(
      `${url}: events: an answer of ${pieces} pieces in ${writtenMs} ms is too short to see whether it is held up; ask again, or by another --action`,
    );
  if (isHeld(times, pieces, writtenMs))
    return fix(
      `${url}: events: the relay wrote ${pieces} pieces in ${writtenMs} ms, and they arrived in ${times.length}: the proxy buffers event streams; switch that off (docs/proxies has how)`,
    );
  return ok(
    `${url}: events arrive as they are written: the first text after ${times[0]} ms, all after ${endMs} ms`,
  );
}

/** A model may pause, and a busy machine read late: neither makes few arrivals with long silence between them. */
function isHeld(times: readonly number[], pieces: number, writtenMs: number): boolean {
  const silences = times.map((time, at) => time - (times[at - 1] ?? 0)).slice(1);
  const longest = times.length > 1 ? Math.max(...silences) : writtenMs;
  return times.length * PIECES_AT_ONCE < pieces && longest > writtenMs * SILENT_SHARE;
}

/** The last event; undefined where it is none that ends a stream. */
function endingIn(text: string): Ending | undefined {
  const [, data = ''] = /\ndata: (\{[^\n]*\})\s*$/.exec(text) ?? [];
  if (data === '') return undefined;
  const last = JSON.parse(data) as Ending;
  return ['done', 'cancelled', 'error'].includes(last.type) ? last : undefined;
}

function refusedLine(url: string, status: number, text: string): Line {
  const [, code] = /"code":"(\w+)"/.exec(text) ?? [];
  if (code === undefined)
    return fix(`${url}: events: the answer is ${status}, and not of the relay: see to the proxy`);
  if (code === 'unauthorized')
    return fix(`${url}: events: the token is refused (${status}): give one that is valid`);
  return fix(
    `${url}: events: the question is refused (${status} ${code}): ask by another --token or --action`,
  );
}
