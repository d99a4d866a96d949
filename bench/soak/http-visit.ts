/** Visits without a WebSocket: an answer as events, which may be cut and read on; or whole; or nothing, for want of a token. */
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { HeldStream } from '../../test/support/held-stream.ts';
import { ask, type ChatBody, open, readEvents, type WholeAnswer } from '../../test/support/http-doors.ts';
import { within } from '../deadline.ts';
import { questionOf } from './answers.ts';
import { type Books, leavingOf } from './books.ts';

export interface HttpVisitParts {
  readonly books: Books;
  readonly token: string;
  readonly urls: readonly [string, string];
  /** No other visit has it. */
  readonly question: number;
}

const ATTEMPTS = 12;
const GIVE_UP_MS = 90_000;
const BACK_AFTER_MS = 300;
/** When a reader of events who loses its connection does. */
const CUT_MS = 900;
/** What the readers of tests say of an answer that is not the relay's word; anything else is the network's doing. */
const BROKEN = /^(the relay broke the protocol|a gap behind|the event does not say|no event stream)/;
const BAD_TOKEN = 'a.b.c';

function bodyOf(question: number): ChatBody {
  return {
    id: `soak-${question}`,
    action: 'chat',
    messages: [{ role: 'user', content: questionOf(question) }],
  };
}

/** @param cut whether its first connection is lost midway */
export async function visitByEvents(parts: HttpVisitParts, cut: boolean): Promise<void> {
  const { books, urls, question } = parts;
  const body = bodyOf(question);
  const stream = new HeldStream({ type: 'start', ...body }, body.id);
  let lost: string | undefined;
  for (let attempt = 0; attempt < ATTEMPTS && !stream.over && lost === undefined; attempt += 1) {
    if (attempt > 0) await delay(BACK_AFTER_MS * (1 + Math.random()));
    try {
      await within(
        GIVE_UP_MS,
        'events',
        readOnce(parts, stream, urls[attempt % urls.length] ?? urls[0], cut && attempt === 0),
      );
    } catch (cause) {
      if (!BROKEN.test((cause as Error).message)) continue;
      books.broke(cause as Error);
      lost = 'broken';
    }
    const { refusal, epoch } = stream;
    if (refusal === undefined || epoch === undefined) continue;
    // The run is known: only its reading was refused.
    stream.refusal = undefined;
    if (!refusal.retryable) lost = refusal.code;
  }
  books.left(leavingOf(stream, 'sse', lost));
}

async function readOnce(
  { token, books }: HttpVisitParts,
  stream: HeldStream,
  url: string,
  cut: boolean,
): Promise<void> {
  const { epoch, seq, id } = stream;
  stream.connectionLost();
  let response: IncomingMessage;
  if (epoch === undefined) {
    const { type: _, ...body } = stream.startFrame;
    stream.asked('start');
    response = await open(`${url}/v1/chat`, {
      method: 'POST',
      token,
      body,
      headers: { accept: 'text/event-stream' },
    });
  } else {
    books.count('resumes');
    stream.asked('resume', seq);
    response = await open(`${url}/v1/streams/${id}`, {
      token,
      headers: { 'last-event-id': `${epoch}.${seq}` },
    });
  }
  const timer = setTimeout(() => cut && response.destroy(), CUT_MS);
  try {
    await readEvents(response, stream);
  } finally {
    clearTimeout(timer);
  }
}

export async function visitForAll({ books, token, urls, question }: HttpVisitParts): Promise<void> {
  const body = bodyOf(question);
  let answer: WholeAnswer | undefined;
  for (let attempt = 0; attempt < ATTEMPTS && answer === undefined; attempt += 1) {
    const url = urls[attempt % urls.length] ?? urls[0];
    const asked = ask(`${url}/v1/chat`, { method: 'POST', token, body });
    const said = await within(GIVE_UP_MS, 'an answer', asked).catch(() => undefined);
    if (said !== undefined) answer = JSON.parse(said.body) as WholeAnswer;
    else await delay(BACK_AFTER_MS);
  }
  const { content, error } = answer ?? {};
  // What has ended as an error has come with its text; what was refused has none.
  const end =
    answer === undefined
      ? 'unreached'
      : error === undefined
        ? 'done'
        : content === undefined
          ? 'refused'
          : 'error';
  books.left({
    id: body.id,
    transport: 'json',
    epoch: undefined,
    end,
    code: error?.code,
    question: questionOf(question),
    received: content ?? '',
  });
}

/** Asks without a good token, and is to be told so. */
export async function visitInVain({
  books,
  urls: [url],
}: Pick<HttpVisitParts, 'books' | 'urls'>): Promise<void> {
  const refused = await ask(`${url}/v1/chat`, { method: 'POST', token: BAD_TOKEN, body: bodyOf(0) }).catch(
    () => undefined,
  );
  if (refused === undefined) return books.count('token not judged: no connection');
  books.count(`token refused ${refused.status}`);
  if (refused.status !== 401 && refused.status !== 429 && refused.status !== 503)
    books.admitted.push(`${refused.status} ${refused.body.slice(0, 200)}`);
}
