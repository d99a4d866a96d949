/**
 * Where a reader by the AI SDK's WebSocket frames goes on that says the number of the last chunk it holds.
 *
 * Numbers are of one reading: chunks are numbered without gaps as they are sent, one may hold many deltas, and what was thought is told to
 * those alone who were there. So a number says nothing of the answer by itself. It does together with the id of the request under
 * which it was sent, which a client that wants to go on repeats; for that, this remembers what each number was. What it has forgotten, or
 * another process has sent, it does not know: then the answer has to be told anew from its beginning.
 */

/** Requests that are remembered. */
const MAX_REQUESTS = 1000;
/** Of each, stretches in which each chunk was one delta: a slow reader has many. */
const MAX_STRETCHES = 64;

/** A place in the text of an answer, right after a delta. */
export interface TextPosition {
  /** The last delta held. */
  readonly seq: number;
  /** The number of the text part that it stands in. */
  readonly part: number;
}

interface Stretch extends TextPosition {
  /** The number of its first chunk, which brought the delta `seq`. */
  readonly sequence: number;
  length: number;
}

/** What was sent under one request. */
export class SentText {
  readonly #stretches: Stretch[] = [];

  /** That chunk was text, and ended with that delta. */
  sent(sequence: number, { seq, part }: TextPosition): void {
    const last = this.#stretches.at(-1);
    const length = last?.length ?? 0;
    const goesOn = last?.part === part && sequence === last.sequence + length && seq === last.seq + length;
    if (last !== undefined && goesOn) last.length += 1;
    else this.#stretches.push({ sequence, seq, part, length: 1 });
    if (this.#stretches.length > MAX_STRETCHES) this.#stretches.shift();
  }

  /** Undefined where that chunk was none, or no text. */
  at(sequence: number): TextPosition | undefined {
    const found = this.#stretches.find(
      ({ sequence: first, length }) => sequence >= first && sequence < first + length,
    );
    return found && { seq: found.seq + sequence - found.sequence, part: found.part };
  }
}

export class TextPositions {
  readonly #requests = new Map<string, SentText>();

  /** What is sent of that run under that request from now on. */
  begin(epoch: string, requestId: string): SentText {
    const text = new SentText();
    this.#requests.delete(keyOf(epoch, requestId));
    this.#requests.set(keyOf(epoch, requestId), text);
    const [oldest] = this.#requests.keys();
    if (this.#requests.size > MAX_REQUESTS && oldest !== undefined) this.#requests.delete(oldest);
    return text;
  }

  find(epoch: string, requestId: string, sequence: number): TextPosition | undefined {
    return this.#requests.get(keyOf(epoch, requestId))?.at(sequence);
  }
}

function keyOf(epoch: string, requestId: string): string {
  return `${epoch} ${requestId}`;
}
