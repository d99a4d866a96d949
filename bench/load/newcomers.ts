/** Somebody new each moment: a handshake, a question, and whether they were served or what they were told instead. */
import { setTimeout as delay } from 'node:timers/promises';
import { mintTokens, type Signer } from '../issuer/tokens.ts';
import { promptOf } from './client.ts';
import { WebSocketClient } from './web-socket.ts';

const EVERY_MS = 100;
const USERS = 100;
const NO_ANSWER_MS = 5000;
/** So many in a row are served, and it is over. */
const SERVED_IN_A_ROW = 10;

interface Newcomer {
  readonly cameAt: number;
  /** On the clock of `performance`; undefined until it is known. */
  toldAt?: number;
  /** `served`, or the refusal: `http 503`, `start: unavailable`, `none`. */
  outcome?: string;
}

interface Frame {
  readonly type: string;
  readonly code?: string;
}

export class Newcomers implements Disposable {
  readonly #port: number;
  readonly #tokens: readonly string[];
  readonly #newcomers: Newcomer[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(port: number, signer: Signer) {
    this.#port = port;
    this.#tokens = mintTokens(signer, 'newcomers', USERS);
    this.#timer = setInterval(() => this.#come(), EVERY_MS);
  }

  /** How often what was said to those who came from then on, as far as they know. */
  outcomes(since: number): Readonly<Record<string, number>> {
    const outcomes = this.#newcomers.flatMap(({ cameAt, outcome }) =>
      cameAt >= since ? (outcome ?? []) : [],
    );
    const groups = Map.groupBy(outcomes, (outcome) => outcome);
    return Object.fromEntries([...groups].map(([outcome, of]) => [outcome, of.length]));
  }

  /**
   * How long after `since` the first was served after whom nobody was refused, ms.
   * @throws Error when nobody is in `withinMs`
   */
  async welcome(since: number, withinMs: number): Promise<number> {
    while (performance.now() - since < withinMs) {
      await delay(EVERY_MS);
      const later = this.#newcomers.filter(({ cameAt, outcome }) => cameAt >= since && outcome !== undefined);
      const refused = later.findLastIndex(({ outcome }) => outcome !== 'served');
      const served = later.slice(refused + 1);
      const [first] = served;
      if (first?.toldAt !== undefined && served.length >= SERVED_IN_A_ROW) return first.toldAt - since;
    }
    throw new Error(
      `nobody new was served within ${withinMs / 1000} s: ${JSON.stringify(this.outcomes(since))}`,
    );
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #come(): void {
    const newcomer: Newcomer = { cameAt: performance.now() };
    const nth = this.#newcomers.push(newcomer);
    const id = `newcomer-${nth}`;
    const token = this.#tokens[nth % USERS] ?? '';
    const headers = { 'Sec-WebSocket-Protocol': 'dash-relay.v1', Authorization: `Bearer ${token}` };
    const late = setTimeout(() => told('none'), NO_ANSWER_MS);
    const told = (outcome: string): void => {
      if (newcomer.outcome !== undefined) return;
      clearTimeout(late);
      newcomer.outcome = outcome;
      newcomer.toldAt = performance.now();
    };
    const onText = (bytes: Buffer, from: number, end: number): void => {
      const { type, code } = JSON.parse(bytes.toString('utf8', from, end)) as Frame;
      if (type === 'hello') socket.send(startOf(id));
      if (type === 'error') told(`start: ${code}`);
      if (type === 'accepted') {
        told('served');
        socket.send(JSON.stringify({ type: 'cancel', id }));
      }
      if (type === 'error' || type === 'cancelled' || type === 'done') socket.abandon();
    };
    const socket = new WebSocketClient(
      { port: this.#port, path: '/v1/ws', headers },
      { onText, onClose: told },
    );
  }
}

function startOf(id: string): string {
  const messages = [{ role: 'user', content: promptOf(id, undefined) }];
  return JSON.stringify({ type: 'start', id, action: 'chat', messages });
}
