/** Who comes during a soak, how often, and to which machine. */
import { setTimeout as delay } from 'node:timers/promises';
import { ReadyMachines } from '../game-day/visitors.ts';
import { mintTokens, type Signer } from '../issuer/tokens.ts';
import type { Books } from './books.ts';
import { visitByEvents, visitForAll, visitInVain } from './http-visit.ts';
import { type Manner, SocketVisit } from './socket-visit.ts';

export interface TrafficParts {
  readonly urls: readonly string[];
  readonly signer: Signer;
  readonly books: Books;
  readonly perSecond: number;
}

const USERS = 400;
const POLL_MS = 50;

/** Of twenty visits: nine that read by WebSocket, two of them three answers at once; and what users and networks do. */
const KINDS: readonly (Manner | 'three at once' | 'events' | 'cut events' | 'whole' | 'no token')[] = [
  'reads',
  'loses',
  'events',
  'stops',
  'reads',
  'three at once',
  'whole',
  'loses',
  'reads',
  'dawdles',
  'reads',
  'cut events',
  'loses',
  'reads',
  'no token',
  'stops',
  'three at once',
  'reads',
  'loses',
  'reads',
];

export class Traffic implements Disposable {
  readonly #parts: TrafficParts;
  readonly #tokens: readonly string[];
  readonly #ready: ReadyMachines;
  #timer: NodeJS.Timeout | undefined;
  #visits = 0;
  #questions = 0;
  #underWay = 0;

  constructor(parts: TrafficParts) {
    this.#parts = parts;
    this.#tokens = mintTokens(parts.signer, 'soak', USERS);
    this.#ready = new ReadyMachines(parts.urls);
  }

  /** Questions asked so far. */
  get questions(): number {
    return this.#questions;
  }

  go(): void {
    this.#timer ??= setInterval(() => void this.#visit(), 1000 / this.#parts.perSecond);
  }

  /** Nobody comes any more. Resolves when those who are there have left. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    while (this.#underWay > 0) await delay(POLL_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#ready[Symbol.dispose]();
  }

  async #visit(): Promise<void> {
    const { books } = this.#parts;
    const nth = this.#visits++;
    const urls = this.#ready.pick(nth);
    const token = this.#tokens[nth % USERS] ?? '';
    const kind = KINDS[nth % KINDS.length] ?? 'reads';
    this.#underWay += 1;
    try {
      if (kind === 'no token') await visitInVain({ books, urls });
      else if (kind === 'whole') await visitForAll({ books, token, urls, question: this.#question() });
      else if (kind === 'events' || kind === 'cut events')
        await visitByEvents({ books, token, urls, question: this.#question() }, kind === 'cut events');
      else {
        const questions = Array.from({ length: kind === 'three at once' ? 3 : 1 }, () => this.#question());
        const manner = kind === 'three at once' ? 'reads' : kind;
        await new SocketVisit({ books, token, urls, manner, questions }).play();
      }
    } catch (cause) {
      books.broke(cause as Error);
    } finally {
      this.#underWay -= 1;
    }
  }

  #question(): number {
    this.#questions += 1;
    return this.#questions;
  }
}
