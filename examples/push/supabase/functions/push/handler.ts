/**
 * Turns the relay's `stream.unread` into a push by Expo: "your answer is ready", on each device of the user. Nothing of the
 * answer is in it. What runs it is index.ts.
 */
import { Webhook } from 'standardwebhooks';

/** The app's own store. Each rejects where it cannot be asked: the relay then sends the event again. */
export interface PushStore {
  /** Whether this is the first time that the id comes. */
  claim(webhookId: string): Promise<boolean>;
  /** It comes again, as if it had not been claimed. */
  unclaim(webhookId: string): Promise<void>;
  /** Expo push tokens of a user's devices. */
  tokensOf(userId: string): Promise<readonly string[]>;
  forget(token: string): Promise<void>;
}

export interface PushParts {
  /** WEBHOOK_SECRET of the relay. */
  readonly secret: string;
  readonly store: PushStore;
  /** `fetch`. */
  readonly send: (url: string, init: RequestInit) => Promise<Response>;
}

interface StreamEvent {
  readonly type: string;
  readonly data: { readonly id: string; readonly userId: string; readonly status: string };
}

interface Ticket {
  readonly status: 'ok' | 'error';
  readonly details?: { readonly error?: string };
}

const EXPO = 'https://exp.host/--/api/v2/push/send';
/** Messages that Expo takes at once. */
const MOST = 100;

export async function handle(request: Request, { secret, store, send }: PushParts): Promise<Response> {
  const body = await request.text(); // as it came: the signature is over these characters
  let event: StreamEvent;
  try {
    event = new Webhook(secret).verify(body, Object.fromEntries(request.headers)) as StreamEvent;
  } catch {
    return new Response('not signed', { status: 401 });
  }
  if (event.type !== 'stream.unread') return new Response(null, { status: 204 });
  const id = request.headers.get('webhook-id') ?? '';
  if (!(await store.claim(id))) return new Response(null, { status: 204 });
  try {
    await push(event, store, send);
  } catch {
    await store.unclaim(id);
    return new Response('not sent', { status: 503 });
  }
  return new Response(null, { status: 204 });
}

async function push({ data }: StreamEvent, store: PushStore, send: PushParts['send']): Promise<void> {
  const tokens = (await store.tokensOf(data.userId)).slice(0, MOST);
  if (tokens.length === 0) return;
  const words = data.status === 'done' ? 'Your answer is ready.' : 'Your answer could not be finished.';
  const messages = tokens.map((to) => ({ to, title: 'Dash', body: words, data: { streamId: data.id } }));
  const response = await send(EXPO, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(messages),
  });
  if (!response.ok) throw new Error(`Expo answered with ${response.status}`);
  const { data: tickets } = (await response.json()) as { readonly data: readonly Ticket[] };
  for (const [index, ticket] of tickets.entries()) {
    const token = tokens[index];
    // The app is gone from that device.
    if (token !== undefined && ticket.details?.error === 'DeviceNotRegistered') await store.forget(token);
  }
}
