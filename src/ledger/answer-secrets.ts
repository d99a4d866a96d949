/**
 * The secrets by which answers of this file are sealed. Each lies in a slot, written over in place when its answer is erased and
 * then used again: a row that is never deleted and never changes its size is never moved, so that no page of the file keeps
 * a copy of it. Rows that are deleted do leave such copies, whatever `PRAGMA secure_delete` says of them.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SECRET_BYTES } from '../answers/seal.ts';

const EMPTY = `zeroblob(${SECRET_BYTES})`;

export class AnswerSecrets {
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  #free: number[] = [];
  #last = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#put = database.prepare(
      'INSERT INTO answer_secrets (slot, secret) VALUES (?, ?) ON CONFLICT (slot) DO UPDATE SET secret = excluded.secret',
    );
  }

  /** To be called before any is taken: it reads all of them. */
  find(): void {
    const slots = (rest: string) => this.#database.prepare(`SELECT slot FROM answer_secrets ${rest}`).all();
    this.#free = slots(`WHERE secret = ${EMPTY}`).map(({ slot }) => Number(slot));
    this.#last = Number(slots('ORDER BY slot DESC LIMIT 1')[0]?.['slot'] ?? 0);
  }

  /** A slot for a new answer: nobody else has it. */
  take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    this.#last += 1;
    return this.#last;
  }

  /** In a transaction. */
  put(slot: number, secret: Buffer): void {
    this.#put.run(slot, secret);
  }

  /** It is empty on disk, or never was written. */
  give(slots: readonly number[]): void {
    this.#free.push(...slots);
  }
}

/** Empties the slots of those answers: what is left of their text cannot be opened any more. */
export function eraseSecrets(database: DatabaseSync): StatementSync {
  return database.prepare(
    `UPDATE answer_secrets SET secret = ${EMPTY}
     WHERE slot IN (SELECT slot FROM answers WHERE run IN (SELECT value FROM json_each(?)))`,
  );
}
