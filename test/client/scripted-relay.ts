/** A relay played by the test, frame by frame, and a clock moved by hand: for what only time or a rude relay shows. */
import { onTestFinished } from 'vitest';
import { createDashClient, type DashClientOptions, type Signal } from '../../src/client/index.ts';
import type { WebSocketLike } from '../../src/client/platform.ts';
import type { ClientFrame, ServerFrame } from '../../src/protocol/frames.ts';
import type { Timer } from '../../src/time/clock.ts';
import { debugFrame } from '../support/debug-frames.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { noteActivity, settled } from '../support/quiet.ts';

export const EPOCH = 'epoch-0001';
const HEARTBEAT_MS = 25_000;

/** What a real timer takes for longer, or for no number, it calls back at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

class DeviceClock extends ManualClock {
  readonly #due = new Map<() => void, { readonly at: number; readonly timer: Timer }>();

  override after(ms: number, callback: () => void): Timer {
    const waitMs = ms <= LONGEST_TIMER_MS ? ms : 1;
    const fire = () => {
      this.#due.delete(fire);
      callback();
    };
    const timer = super.after(waitMs, fire);
    this.#due.set(fire, { at: this.elapsed() + waitMs, timer });
    return {
      cancel: () => {
        this.#due.delete(fire);
        timer.cancel();
      },
    };
  }

  /** No code runs for so long; then what was due meanwhile comes at once, and each once. */
  sleep(ms: number): void {
    const until = this.elapsed() + ms;
    const due = [...this.#due].filter(([, { at }]) => at <= until);
    for (const [, { timer }] of due) timer.cancel();
    this.advance(ms);
    for (const [fire] of due) if (this.#due.has(fire)) fire();
  }
}

export class ScriptedSocket implements WebSocketLike {
  onmessage: WebSocketLike['onmessage'] = null;
  onclose: WebSocketLike['onclose'] = null;
  onerror: WebSocketLike['onerror'] = null;
  readonly token: string;
  readonly sent: ClientFrame[] = [];
  closed = false;

  constructor(token: string) {
    noteActivity();
    this.token = token;
  }

  send(text: string): void {
    noteActivity();
    debugFrame('sent', text);
    this.sent.push(JSON.parse(text) as ClientFrame);
  }

  close(): void {
    noteActivity();
    this.closed = true;
  }

  say(...frames: readonly ServerFrame[]): void {
    for (const frame of frames) {
      debugFrame('received', frame);
      this.onmessage?.({ data: JSON.stringify(frame) });
    }
  }

  end(code: number): void {
    this.closed = true;
    this.onclose?.({ code });
  }

  sentOf<T extends ClientFrame['type']>(type: T): Extract<ClientFrame, { type: T }>[] {
    return this.sent.filter((frame): frame is Extract<ClientFrame, { type: T }> => frame.type === type);
  }
}

/** What an HTTP route answers: status and body. */
type Answer = readonly [status: number, body: unknown];

export class ScriptedRelay {
  readonly clock = new DeviceClock();
  readonly sockets: ScriptedSocket[] = [];
  /** `refresh` of each question for a token. */
  readonly tokensAsked: boolean[] = [];
  /** By path; anything else fails as without a network. */
  readonly routes: Record<string, Answer> = {
    '/v1/config': [200, { transport: 'websocket', pollAfterMs: 300_000 }],
    '/v1/session': [200, { userId: 'someone' }],
  };
  readonly client;
  #signal: ((signal: Signal) => void) | undefined;

  constructor(options: Partial<DashClientOptions> = {}) {
    this.client = createDashClient({
      url: 'http://relay.test',
      clock: this.clock,
      getToken: ({ refresh }) => {
        this.tokensAsked.push(refresh);
        return `token-${this.tokensAsked.length}`;
      },
      webSocket: (_url, _protocol, token) => {
        const socket = new ScriptedSocket(token);
        this.sockets.push(socket);
        return socket;
      },
      fetch: async (url) => {
        const answer = this.routes[new URL(url).pathname];
        if (answer === undefined) throw new TypeError('no network');
        return Response.json(answer[1], { status: answer[0] });
      },
      signals: (listener) => {
        this.#signal = listener;
        return () => {
          this.#signal = undefined;
        };
      },
      ...options,
    });
    onTestFinished(() => this.client.close());
  }

  get listening(): boolean {
    return this.#signal !== undefined;
  }

  signal(signal: Signal): void {
    this.#signal?.(signal);
  }

  get socket(): ScriptedSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('no socket was opened');
    return socket;
  }

  /** Starts a stream and brings it to `streaming` with one delta, on a connection of its own or the open one. */
  async streaming() {
    const stream = this.ask();
    await settled();
    if (this.socket.sent.length === 0) this.greet();
    this.accept(stream.id);
    this.socket.say({ type: 'chunk', id: stream.id, seq: 1, content: 'Hello' });
    return stream;
  }

  ask() {
    return this.client.stream({ action: 'chat', messages: [{ role: 'user', content: 'hi' }] });
  }

  greet(tokenExpiresInMs = 3_600_000, more: { readonly keepsAnswers?: true } = {}): void {
    this.socket.say({
      type: 'hello',
      version: '0',
      connectionId: 'c',
      userId: 'someone',
      tokenExpiresAt: this.clock.now() + tokenExpiresInMs,
      heartbeatMs: HEARTBEAT_MS,
      resumeWindowMs: 120_000,
      ...more,
      limits: { streams: 16, frameBytes: 262_144, framesPerMinute: 240 },
    });
  }

  accept(id: string): void {
    this.socket.say({ type: 'accepted', id, epoch: EPOCH, model: 'm' });
  }

  resume(id: string, after: number): void {
    this.socket.say({ type: 'resumed', id, epoch: EPOCH, after, head: after, model: 'm', state: 'live' });
  }

  /** Lets time pass in steps, with everything that follows from each. */
  async pass(ms: number, stepMs = 250): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.clock.advance(Math.min(stepMs, ms - passed));
      await settled();
    }
  }
}

export function doneFrame(id: string, seq: number): ServerFrame {
  const usage = {
    inputTokens: 1,
    outputTokens: 1,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    source: 'final',
  } as const;
  const timing = { firstTokenMs: 1, totalMs: 1, chunks: seq, bytes: 5 };
  return { type: 'done', id, seq, stopReason: 'end_turn', model: 'm', textLength: 5, usage, timing };
}
