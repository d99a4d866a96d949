/**
 * Users of the day: each comes with a token, asks one question by WebSocket, events or JSON, and leaves; some stop the answer,
 * some lose their connection in the middle of it and read on at another machine. As a balancer does, they go to machines that say
 * they are ready, while there are any.
 */
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { SUBPROTOCOL } from '../../src/protocol/frames.ts';
import { mintTokens, type Signer } from '../issuer/tokens.ts';

const USERS = 400;
const READY_EVERY_MS = 500;
const GIVE_UP_MS = 30_000;
const BODY = {
  action: 'chat',
  messages: [{ role: 'user', content: 'Why is the sky blue, and why red in the evening?' }],
};

export interface Visitors extends Disposable {
  /** How visits ended so far. */
  readonly outcomes: ReadonlyMap<string, number>;
}

interface Visit {
  readonly token: string;
  /** Of the machine it came to, and of another. */
  readonly url: string;
  readonly other: string;
}

/** @param signer asked for each visit: keys change @param perSecond visits, of all users together */
export function startVisitors(urls: readonly string[], signer: () => Signer, perSecond: number): Visitors {
  const outcomes = new Map<string, number>();
  const tokens = new TokenSource(signer);
  const ready = new ReadyMachines(urls);
  let visits = 0;
  const timer = setInterval(() => {
    const [url, other] = ready.pick(visits);
    const visit: Visit = { token: tokens.of(visits % USERS), url, other };
    const { transport, ask } = kindOf(visits++);
    const began = performance.now();
    let firstMs: number | null = null;
    const firstText = () => {
      firstMs ??= performance.now() - began;
    };
    void ask(visit, firstText)
      .catch(() => 'failed')
      .then((outcome) => {
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        return report(visit, { transport, outcome, firstMs, totalMs: performance.now() - began });
      })
      // Where the relay is away nobody hears of it.
      .catch(() => undefined);
  }, 1000 / perSecond);
  return {
    outcomes,
    [Symbol.dispose]() {
      clearInterval(timer);
      ready[Symbol.dispose]();
    },
  };
}

interface Measured {
  readonly outcome: string;
  readonly firstMs: number | null;
  readonly totalMs: number;
}

interface Kind {
  readonly transport: 'websocket' | 'sse' | 'json';
  /** Resolves to how it ended. `firstText` is called when there is any. */
  readonly ask: (visit: Visit, firstText: () => void) => Promise<string>;
}

/** Of twenty: fourteen sockets of which one stops and two lose their connection, four event streams, two whole answers. */
function kindOf(visit: number): Kind {
  const nth = visit % 20;
  if (nth < 2)
    return { transport: 'json', ask: (each, firstText) => chat(each, 'application/json', firstText) };
  if (nth < 6)
    return { transport: 'sse', ask: (each, firstText) => chat(each, 'text/event-stream', firstText) };
  const manner = nth === 6 ? 'stops' : nth < 9 ? 'loses' : 'reads';
  return { transport: 'websocket', ask: (each, firstText) => bySocket(each, manner, firstText) };
}

/** As the app's SDK does where the app lets it. */
async function report(
  { url, token }: Visit,
  { transport, outcome, firstMs, totalMs }: Pick<Kind, 'transport'> & Measured,
): Promise<void> {
  const status = outcome === 'done' || outcome === 'cancelled' ? outcome : 'error';
  const event = {
    event: 'edudash.dash_ai.streaming_metrics',
    first_token_ms: firstMs,
    total_duration_ms: totalMs,
    chunks_received: 0,
    bytes_streamed: 0,
    platform: 'other',
    transport,
    status,
    ...(status === 'error' ? { code: 'unreachable' } : {}),
  };
  await fetch(`${url}/v1/client-metrics`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ events: [event] }),
    signal: AbortSignal.timeout(GIVE_UP_MS),
  });
}

async function chat({ url, token }: Visit, accept: string, firstText: () => void): Promise<string> {
  const response = await fetch(`${url}/v1/chat`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept },
    body: JSON.stringify(BODY),
    signal: AbortSignal.timeout(GIVE_UP_MS),
  });
  if (!response.ok || response.body === null) return `refused ${response.status}`;
  let text = '';
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (text.includes('content')) firstText();
  }
  return text.includes('event: error') ? 'error' : 'done';
}

interface Frame {
  readonly type: string;
  readonly epoch?: string;
  readonly seq?: number;
}

type Manner = 'reads' | 'stops' | 'loses';

function bySocket({ url, other, token }: Visit, manner: Manner, firstText: () => void): Promise<string> {
  const id = `q-${randomUUID()}`;
  const { promise, resolve } = Promise.withResolvers<string>();
  let epoch = '';
  let seq = 0;
  const open = (at: string, first: object, lose: boolean) => {
    const socket = openSocket(at, token, () => socket.send(JSON.stringify(first)));
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as Frame;
      epoch = frame.epoch ?? epoch;
      if (frame.type === 'chunk') {
        firstText();
        seq = frame.seq ?? seq;
        if (manner === 'stops') socket.send(JSON.stringify({ type: 'cancel', id }));
        if (lose) {
          socket.terminate();
          open(other, { type: 'resume', id, epoch, after: seq }, false);
        }
      } else if (['done', 'cancelled', 'error'].includes(frame.type)) {
        resolve(frame.type);
        socket.close(1000);
      }
    });
    socket.on('close', () => {
      if (!lose || seq === 0) resolve('closed');
    });
  };
  open(url, { type: 'start', id, ...BODY }, manner === 'loses');
  return promise;
}

/** A user's socket, given up after a while. A refused handshake closes it. */
export function openSocket(url: string, token: string, onOpen: () => void, giveUpMs = GIVE_UP_MS): WebSocket {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws`, [SUBPROTOCOL, `bearer.${token}`]);
  const timer = setTimeout(() => socket.terminate(), giveUpMs);
  socket.on('open', onOpen);
  // Also a refused handshake is no fault of the day.
  socket.on('error', () => socket.terminate());
  socket.on('close', () => clearTimeout(timer));
  return socket;
}

/** Tokens of the key that signs now. */
class TokenSource {
  readonly #signer: () => Signer;
  #keyId = '';
  #tokens: string[] = [];

  constructor(signer: () => Signer) {
    this.#signer = signer;
  }

  of(user: number): string {
    const signer = this.#signer();
    if (signer.keyId !== this.#keyId) {
      this.#tokens = mintTokens(signer, 'visitor', USERS);
      this.#keyId = signer.keyId;
    }
    return this.#tokens[user] ?? '';
  }
}

/** What a balancer knows. */
export class ReadyMachines {
  readonly #urls: readonly string[];
  readonly #timer: NodeJS.Timeout;
  #ready: readonly string[];

  constructor(urls: readonly string[]) {
    this.#urls = urls;
    this.#ready = urls;
    this.#timer = setInterval(() => void this.#look(), READY_EVERY_MS);
  }

  /** One for this visit, and another. */
  pick(visit: number): readonly [string, string] {
    const from = this.#ready.length > 0 ? this.#ready : this.#urls;
    const [first = '', second = first] = [from[visit % from.length], from[(visit + 1) % from.length]];
    return [first, second];
  }

  async #look(): Promise<void> {
    const looks = await Promise.all(
      this.#urls.map(async (url) => {
        const signal = AbortSignal.timeout(READY_EVERY_MS);
        return (await fetch(`${url}/readyz`, { signal }).catch(() => null))?.ok === true ? url : [];
      }),
    );
    this.#ready = looks.flat();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
