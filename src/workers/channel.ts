/** One end of the channel between the parent and a worker: questions with their answers, and news that have none. */
import type { Clock } from '../time/clock.ts';
import type { Talk } from './messages.ts';

type Message =
  | { readonly kind: 'question'; readonly id: number; readonly name: string }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'news'; readonly name: string; readonly value: unknown };

/** Node's IPC, either end of it. What is sent to an end that is gone is lost. */
export interface Link {
  send(message: object): void;
  listen(receive: (message: unknown) => void): void;
}

/** What this end says when it is asked. */
export type Answers<Here extends Talk> = {
  readonly [Name in keyof Here['questions']]: () => Promise<Here['questions'][Name]>;
};
export type Listeners<Here extends Talk> = {
  readonly [Name in keyof Here['news']]: (value: Here['news'][Name]) => void;
};

/** `There` is what the other end is asked and told, `Here` what this one is. */
export class Channel<There extends Talk, Here extends Talk> {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #asked = new Map<number, (value: unknown) => void>();
  #lastId = 0;

  constructor(link: Link, clock: Clock, listeners: Listeners<Here>, answers: Answers<Here>) {
    this.#link = link;
    this.#clock = clock;
    const tellers = listeners as Readonly<Record<string, (value: unknown) => void>>;
    const answerers = answers as Readonly<Record<string, () => Promise<unknown>>>;
    link.listen((received) => {
      const message = received as Message;
      if (message.kind === 'answer') this.#settle(message.id, message.value);
      else if (message.kind === 'news') tellers[message.name]?.(message.value);
      else void this.#reply(message.id, answerers[message.name]);
    });
  }

  /** Undefined where no answer comes within `ms`. */
  ask<Name extends keyof There['questions'] & string>(
    name: Name,
    ms: number,
  ): Promise<There['questions'][Name] | undefined> {
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve } = Promise.withResolvers<There['questions'][Name] | undefined>();
    const late = this.#clock.after(ms, () => this.#settle(id, undefined));
    this.#asked.set(id, (value) => {
      late.cancel();
      resolve(value as There['questions'][Name] | undefined);
    });
    this.#send({ kind: 'question', id, name });
    return promise;
  }

  tell<Name extends keyof There['news'] & string>(name: Name, value: There['news'][Name]): void {
    this.#send({ kind: 'news', name, value });
  }

  /** The other end is gone: who waits for it need not. */
  close(): void {
    for (const id of [...this.#asked.keys()]) this.#settle(id, undefined);
  }

  /** What cannot be answered is no reason for the process to end: who asks has nothing then, and does without. */
  async #reply(id: number, answer: (() => Promise<unknown>) | undefined): Promise<void> {
    try {
      this.#send({ kind: 'answer', id, value: await answer?.() });
    } catch {
      this.#send({ kind: 'answer', id, value: undefined });
    }
  }

  #settle(id: number, value: unknown): void {
    const settle = this.#asked.get(id);
    this.#asked.delete(id);
    settle?.(value);
  }

  #send(message: Message): void {
    this.#link.send(message);
  }
}
