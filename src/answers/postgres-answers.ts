/**
 * Kept answers in Postgres (migrations/*_answers.sql). Owns the statements, and how an answer is written there: readable for its
 * user, or sealed by ANSWERS_KEY. Retries nothing.
 */
import type { PostgresPool, RunStatement } from '../postgres/pool.ts';
import type { EndingFrame } from '../protocol/frames.ts';
import { fromWire, toWire, utf16Length, type WireText } from '../protocol/wire-text.ts';
import type { StoredAnswer } from './local-answers.ts';
import {
  type Deltas,
  decodePiece,
  encodeLengths,
  encodePiece,
  joinDeltas,
  wireTexts,
  withLengths,
} from './piece.ts';
import type { KeptAnswer, KeptAnswers, KeptText } from './port.ts';
import { type AnswerKeys, type AnswerSeal, NO_SECRET, PLACES } from './seal.ts';
import type { AnswerPlace } from './stored-answers.ts';

export interface PostgresAnswersParts {
  readonly pool: Pick<PostgresPool, 'query' | 'queryInBackground'>;
  readonly keys: AnswerKeys;
  /** How long a relay may have something of an answer that is erased now: as long as one is kept, and a day, ms. */
  readonly forgottenMs: number;
  /** One cannot be opened: its ANSWERS_KEY is not there any more, or it is damaged. */
  readonly onSealed: (event: { readonly epoch: string }) => void;
}

/** Before a hash that is sealed. */
const SEALED = 'sealed:';
/** Live answers whose keys are at hand: to make one costs more than to seal a piece. */
const MOST_AT_HAND = 10_000;

interface Sealing {
  readonly seal: AnswerSeal;
  readonly requestHash: string;
}

export class PostgresAnswers implements AnswerPlace {
  readonly #parts: PostgresAnswersParts;
  /** By epoch. */
  readonly #sealings = new Map<string, Sealing>();

  constructor(parts: PostgresAnswersParts) {
    this.#parts = parts;
  }

  /** Resolves, once all are committed, with the epochs of those that are to be nowhere. @throws as the pool */
  async keep(answers: readonly StoredAnswer[]): Promise<readonly string[]> {
    const sent = JSON.stringify(answers.map((answer) => this.#sent(answer)));
    const text = 'SELECT epoch FROM dash_relay.keep_answers($1) AS epoch';
    const { rows } = await this.#parts.pool.queryInBackground(text, [sent]);
    return (rows as readonly { readonly epoch: string }[]).map(({ epoch }) => epoch);
  }

  /** Those go on. Resolves with Postgres's time, Unix ms. */
  async goOn(epochs: readonly string[]): Promise<number> {
    const text = 'SELECT dash_relay.answers_go_on($1) AS now';
    const { rows } = await this.#parts.pool.queryInBackground(text, [epochs]);
    return (rows as readonly { readonly now: number }[])[0]?.now ?? 0;
  }

  /** Deletes up to `limit` whose time is over, by this clock too (Unix ms); how many it were. */
  async purge(now: number, limit: number): Promise<number> {
    const text = 'SELECT dash_relay.delete_expired_answers($1, $2)::integer AS answers';
    const { rows } = await this.#parts.pool.queryInBackground(text, [now, limit]);
    return (rows as readonly { readonly answers: number }[])[0]?.answers ?? 0;
  }

  async find(userId: string, streamId: string): Promise<KeptText | undefined> {
    const text = 'SELECT * FROM dash_relay.find_answer($1, $2)';
    const { rows } = await this.#parts.pool.query(text, [userId, streamId]);
    const [row] = rows as readonly FoundRow[];
    const found = row && textOf(row, this.#parts.keys);
    if (row !== undefined && found === undefined) this.#parts.onSealed({ epoch: row.epoch });
    return found;
  }

  async list(
    userId: string,
    { before, limit }: Parameters<KeptAnswers['list']>[1],
  ): Promise<readonly KeptAnswer[]> {
    const text = 'SELECT * FROM dash_relay.list_answers($1, $2, $3, $4)';
    const values = [userId, before?.startedAt ?? null, before?.epoch ?? null, limit];
    const { rows } = await this.#parts.pool.query(text, values);
    return (rows as readonly ListedRow[]).map((row) => answerOf(row, this.#parts.keys));
  }

  async forget(userId: string, streamId?: string): Promise<void> {
    const { pool, forgottenMs } = this.#parts;
    await forgetAnswers((text, values) => pool.query(text, values), { userId, streamId, forgottenMs });
  }

  /** Undefined where what leaves this machine is not sealed. */
  #sealingOf(answer: StoredAnswer): Sealing | undefined {
    const { keys } = this.#parts;
    if (!keys.isSet) return undefined;
    const { epoch, requestHash, endedAt } = answer;
    const sealing = this.#sealings.get(epoch) ?? sealingBy(keys.of(answer, NO_SECRET), requestHash);
    if (this.#sealings.size >= MOST_AT_HAND) this.#sealings.clear();
    if (endedAt === null) this.#sealings.set(epoch, sealing);
    else this.#sealings.delete(epoch);
    return sealing;
  }

  #sent(answer: StoredAnswer) {
    const { deltas, after, startedAt, endedAt, keepUntil, ending } = answer;
    const sealing = this.#sealingOf(answer);
    const seal = sealing?.seal;
    const words =
      deltas === undefined ? {} : endedAt === null ? piece(after, deltas, seal) : whole(deltas, seal);
    return {
      epoch: answer.epoch,
      stream_id: answer.streamId,
      user_id: answer.userId,
      action: answer.action,
      model: answer.model,
      request_hash: sealing?.requestHash ?? answer.requestHash,
      head: answer.head,
      text_length: answer.textLength,
      ending: ending === undefined ? null : JSON.stringify(ending),
      started: startedAt,
      ended: endedAt,
      keep_until: keepUntil,
      ...words,
    };
  }
}

function sealingBy(seal: AnswerSeal, requestHash: string): Sealing {
  const sealed = seal.seal(PLACES.request, Buffer.from(requestHash)).toString('base64');
  return { seal, requestHash: `${SEALED}${sealed}` };
}

/** Deletes them, and refuses what of them still comes in `forgottenMs`; how many it were. @throws as `query` */
export async function forgetAnswers(
  query: RunStatement,
  { userId, streamId, forgottenMs }: { userId: string; streamId?: string | undefined; forgottenMs: number },
): Promise<number> {
  const text = "SELECT dash_relay.forget_answers($1, $2, $3 * interval '1 millisecond')::integer AS answers";
  const { rows } = await query(text, [userId, streamId ?? null, forgottenMs]);
  return (rows as readonly { readonly answers: number }[])[0]?.answers ?? 0;
}

export interface ExportedAnswer {
  readonly epoch: string;
  readonly streamId: string;
  /** Undefined where it cannot be opened. */
  readonly text: KeptText | undefined;
}

/** As `find_answer` has them, of all runs of a user. */
const ALL_OF_USER = `
  SELECT a.epoch, a.stream_id, a.user_id::text, a.action, a.model, a.request_hash, a.head, a.text_length, a.ending::text AS ending,
    round(extract(epoch FROM a.started_at) * 1000)::double precision AS started,
    round(extract(epoch FROM a.ended_at) * 1000)::double precision AS ended, false AS is_dead,
    a.text::text AS text, a.lengths, a.sealed,
    (SELECT json_agg(json_build_object('after', p.after, 'piece', encode(p.piece, 'base64'), 'sealed', p.sealed) ORDER BY p.after)
      FROM dash_relay.answer_pieces AS p WHERE p.epoch = a.epoch) AS pieces
  FROM dash_relay.answers AS a WHERE a.user_id = $1 ORDER BY a.started_at`;

/** @param query of the owner: relays cannot read all */
export async function exportAnswers(
  query: RunStatement,
  userId: string,
  keys: AnswerKeys,
): Promise<readonly ExportedAnswer[]> {
  const { rows } = await query(ALL_OF_USER, [userId]);
  return (rows as readonly FoundRow[]).map((row) => ({
    epoch: row.epoch,
    streamId: row.stream_id,
    text: textOf(row, keys),
  }));
}

/** Undefined where it cannot be opened. */
function textOf(row: FoundRow, keys: AnswerKeys): KeptText | undefined {
  const deltas = deltasIn(row, keys);
  if (deltas === undefined) return undefined;
  const texts = wireTexts(deltas);
  const answer = { ...answerOf(row, keys), head: texts.length, deltas: texts };
  if (answer.endedAt !== null) return answer;
  // What it has said by now may not all be here: what is here counts.
  return { ...answer, textLength: texts.reduce((length, text) => length + utf16Length(text), 0) };
}

function answerOf(row: ListedRow, keys: AnswerKeys): KeptAnswer {
  return {
    epoch: row.epoch,
    streamId: row.stream_id,
    userId: row.user_id,
    action: row.action,
    model: row.model,
    requestHash: hashOf(row, keys),
    startedAt: row.started,
    endedAt: row.ended,
    head: row.head,
    textLength: row.text_length,
    ending: row.ending === null ? undefined : (JSON.parse(row.ending) as EndingFrame),
    isDead: row.is_dead,
  };
}

/** Empty where it cannot be opened: no start is the same then. */
function hashOf(row: ListedRow, keys: AnswerKeys): string {
  const hash = row.request_hash;
  if (!hash.startsWith(SEALED)) return hash;
  const sealed = Buffer.from(hash.slice(SEALED.length), 'base64');
  return sealOf(row, keys).open(PLACES.request, sealed)?.toString() ?? '';
}

function deltasIn(row: FoundRow, keys: AnswerKeys): Deltas | undefined {
  const seal = sealOf(row, keys);
  try {
    if (row.sealed !== null) return opened(seal.open(PLACES.whole, row.sealed));
    if (row.text !== null && row.lengths !== null)
      return withLengths(row.lengths, Buffer.from(toWire(row.text.slice(1, -1)), 'latin1'));
    return piecesOf(row.pieces ?? [], seal);
  } catch (cause) {
    if (cause instanceof RangeError) return undefined; // somebody changed it
    throw cause;
  }
}

function sealOf({ user_id: userId, epoch }: ListedRow, keys: AnswerKeys): AnswerSeal {
  return keys.of({ userId, epoch }, NO_SECRET);
}

function whole(deltas: Deltas, seal: AnswerSeal | undefined) {
  if (seal !== undefined) return { sealed: seal.seal(PLACES.whole, encodePiece(deltas)).toString('base64') };
  const json = fromWire(deltas.text.toString('latin1') as WireText);
  return { text: `"${json}"`, lengths: encodeLengths(deltas.lengths).toString('base64') };
}

function piece(after: number, deltas: Deltas, seal: AnswerSeal | undefined) {
  const plain = encodePiece(deltas);
  const bytes = seal === undefined ? plain : seal.seal(PLACES.piece(after), plain);
  return { after, piece: bytes.toString('base64'), is_sealed: seal !== undefined };
}

/** As far as they follow each other. */
function piecesOf(pieces: NonNullable<FoundRow['pieces']>, seal: AnswerSeal): Deltas | undefined {
  const parts: Deltas[] = [];
  let head = 0;
  for (const { after, piece: encoded, sealed } of pieces) {
    if (after !== head) break;
    const bytes = Buffer.from(encoded, 'base64');
    const deltas = sealed ? opened(seal.open(PLACES.piece(after), bytes)) : decodePiece(bytes);
    if (deltas === undefined) return undefined;
    parts.push(deltas);
    head += deltas.lengths.length;
  }
  return joinDeltas(parts);
}

function opened(plain: Buffer | undefined): Deltas | undefined {
  return plain && decodePiece(plain);
}

interface ListedRow {
  readonly epoch: string;
  readonly stream_id: string;
  readonly user_id: string;
  readonly action: string;
  readonly model: string;
  readonly request_hash: string;
  readonly head: number;
  readonly text_length: number;
  readonly ending: string | null;
  readonly started: number;
  readonly ended: number | null;
  readonly is_dead: boolean;
}

interface FoundRow extends ListedRow {
  /** A JSON string literal. */
  readonly text: string | null;
  readonly lengths: Buffer | null;
  readonly sealed: Buffer | null;
  readonly pieces:
    | readonly { readonly after: number; readonly piece: string; readonly sealed: boolean }[]
    | null;
}
