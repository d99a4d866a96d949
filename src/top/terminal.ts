/**
 * The terminal of `top`: a screen of its own that is drawn over and given back, keys, and its size. What is drawn is
 * log-update's, which writes only what has changed.
 */
import { emitKeypressEvents } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { createLogUpdate } from 'log-update';
import type { ScreenLine, Size } from './screen.ts';
import { textOf } from './styled-text.ts';

/** The alternate screen of xterm, which all terminals in use have: what was there before is there afterwards. */
const ENTER = '\u001B[?1049h\u001B[H';
const LEAVE = '\u001B[?1049l';
const DEFAULT_SIZE: Size = { columns: 80, rows: 24 };

export interface Key {
  readonly name: string | undefined;
  readonly ctrl: boolean;
}

export class Terminal {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #update: ReturnType<typeof createLogUpdate>;
  readonly #onKey: (key: Key) => void;
  readonly #onResize: () => void;

  /** Takes the screen and the keys until it is closed. */
  constructor(input: ReadStream, output: WriteStream, onKey: (key: Key) => void, onResize: () => void) {
    this.#input = input;
    this.#output = output;
    this.#onKey = (key) => onKey(key);
    this.#onResize = () => {
      this.#update.clear();
      onResize();
    };
    output.write(ENTER);
    this.#update = createLogUpdate(output);
    output.on('resize', this.#onResize);
    if (!input.isTTY) return;
    emitKeypressEvents(input);
    input.setRawMode(true);
    input.on('keypress', this.#keypress);
    input.resume();
  }

  get size(): Size {
    const { columns = DEFAULT_SIZE.columns, rows = DEFAULT_SIZE.rows } = this.#output;
    return { columns, rows: rows - 1 }; // the cursor stands below what is drawn
  }

  draw(lines: readonly ScreenLine[]): void {
    this.#update(textOf(lines, this.#output));
  }

  close(): void {
    this.#output.off('resize', this.#onResize);
    if (this.#input.isTTY) {
      this.#input.off('keypress', this.#keypress);
      this.#input.setRawMode(false);
      this.#input.pause();
    }
    this.#update.done();
    this.#output.write(LEAVE);
  }

  readonly #keypress = (
    _text: string | undefined,
    { name, ctrl = false }: { name?: string; ctrl?: boolean },
  ): void => this.#onKey({ name, ctrl });
}
