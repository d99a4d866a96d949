/** What of the invariants held over a soak: each line with what was counted. Pure. */
import type { Books, SeenStream } from './books.ts';
import { HELD, type Held, type Sample } from './samples.ts';

/** A row of the ledger, as Postgres has it. */
export interface Row {
  readonly epoch: string;
  readonly stream_id: string;
  readonly status: string;
}

export interface Evidence {
  readonly books: Pick<Books, 'streams' | 'broken' | 'admitted'>;
  readonly rows: readonly Row[];
  /** Runs that the disks of the machines have as live, at the end. */
  readonly unsettled: number;
  /** In the quiet after the warm-up, and at the end; of machine a. */
  readonly baseline: Sample;
  readonly end: Sample;
  /** Whether the warm-up was long enough for memory to be compared. */
  readonly isWarm: boolean;
  readonly exits: readonly (number | null)[];
  /** Whether machine a is the process that it was. */
  readonly lived: boolean;
  readonly failures: readonly string[];
}

export interface Line {
  readonly what: string;
  /** Null: it was not to be told. */
  readonly holds: boolean | null;
  readonly counted: string;
}

/** What I7 allows. */
const GROWTH = 1.1;
/** A few of a kind are no tenth: a pool of connections, a timer of the log. */
const FEW = 2;
const MEMORY: readonly Held[] = ['resident', 'heap', 'external'];
/** Grows with what happened, and is not held by the process. */
const NOT_HELD: readonly Held[] = ['ledger'];
const ENDINGS = ['done', 'cancelled', 'error'];
const SHOWN = 3;
/** Of the rules that the clients of tests check, those about endings. */
const OF_ENDINGS = /ending|accepted twice/;

export function verdictOf(evidence: Evidence): readonly Line[] {
  const { books, rows, exits, lived, failures, baseline, end, isWarm } = evidence;
  const { streams } = books;
  const ended = streams.filter(({ end: how }) => ENDINGS.includes(how));
  const endless = streams.filter(({ end: how }) => how === 'none');
  const wrong = streams.filter(isTextWrong);
  const brokenEndings = books.broken.filter((text) => OF_ENDINGS.test(text));
  const brokenFrames = books.broken.filter((text) => !OF_ENDINGS.test(text));
  const missing = ended.filter((stream) => !hasItsRow(stream, rows));
  const twice = rows.length - new Set(rows.map(({ epoch }) => epoch)).size;
  const line = (what: string, faults: readonly string[], counted: string): Line => ({
    what,
    holds: faults.length === 0,
    counted: faults.length === 0 ? counted : `${faults.length} do not: ${faults.slice(0, SHOWN).join('; ')}`,
  });
  return [
    line(
      'I1: one ending for each stream, or the word that it cannot be read on',
      [...endless.map(({ id, epoch }) => `${id} (${epoch ?? 'no epoch'}) never ended`), ...brokenEndings],
      `${ended.length} endings, ${streams.filter(({ end: how }) => how === 'lost').length} told that it cannot be read on`,
    ),
    line('I2: no gap and no repetition', brokenFrames, `${streams.length} streams`),
    line(
      'I3: one row for each ending, and the same end',
      [
        ...missing.map((stream) => sayMissing(stream, rows)),
        ...(twice > 0 ? [`${twice} epochs twice`] : []),
        ...(evidence.unsettled > 0 ? [`${evidence.unsettled} runs without a settlement`] : []),
      ],
      `${rows.length} rows`,
    ),
    line(
      'I5: no request at the model without a stream',
      end.upstream === end.live ? [] : [`${end.upstream} requests beside ${end.live} streams`],
      `${end.upstream} of both at the end`,
    ),
    line(
      'I8: the processes live, and end when they are told to',
      [
        ...(lived ? [] : ['machine a is another process']),
        ...exits.filter((code) => code !== 0).map((code) => `exit code ${code}`),
        ...failures,
      ],
      `${exits.length} deploys`,
    ),
    line(
      'I9: the text is the same by every transport, by its hash',
      wrong.map(({ id, transport, end: how, text }) => `${id} by ${transport}, ${how}: ${text}`),
      ['websocket', 'sse', 'json']
        .map((each) => `${each} ${ended.filter(({ transport }) => transport === each).length}`)
        .join(', '),
    ),
    line('nobody without a good token', books.admitted, 'nobody'),
    ...HELD.filter((held) => !NOT_HELD.includes(held)).map((held) => heldLine(held, baseline, end, isWarm)),
  ];
}

/** All of it where the answer was, the beginning of it anywhere else. */
function isTextWrong({ end, text }: SeenStream): boolean {
  return end === 'done' ? text !== 'whole' : text === 'wrong';
}

/** By its epoch, or, of an answer that names none, by its id. */
function hasItsRow({ id, epoch, end }: SeenStream, rows: readonly Row[]): boolean {
  return index(rows).has(`${epoch ?? id} ${end}`);
}

function sayMissing({ id, epoch, end, code }: SeenStream, rows: readonly Row[]): string {
  const row = rows.find((each) => each.epoch === epoch || each.stream_id === id);
  const told = code === undefined ? end : `${end} ${code}`;
  return row === undefined
    ? `${id}: told ${told}, no row`
    : `${id}: told ${told}, its row says ${row.status}`;
}

const indexes = new WeakMap<readonly Row[], ReadonlySet<string>>();

function index(rows: readonly Row[]): ReadonlySet<string> {
  const known = indexes.get(rows);
  if (known !== undefined) return known;
  const made = new Set(
    rows.flatMap(({ epoch, stream_id: id, status }) => [`${epoch} ${status}`, `${id} ${status}`]),
  );
  indexes.set(rows, made);
  return made;
}

function heldLine(held: Held, baseline: Sample, end: Sample, isWarm: boolean): Line {
  const [before, after] = [baseline[held], end[held]];
  const isMemory = MEMORY.includes(held);
  const most = isMemory ? before * GROWTH : Math.max(before * GROWTH, before + FEW);
  const shown = (value: number): string =>
    isMemory || held === 'logs' ? `${(value / 1e6).toFixed(1)} MB` : String(value);
  const counted = `${shown(before)} → ${shown(after)}`;
  if (isMemory && !isWarm)
    return { what: `I7: ${held}`, holds: null, counted: `${counted}; not judged: too short a warm-up` };
  return { what: `I7: ${held}`, holds: after <= most, counted };
}
