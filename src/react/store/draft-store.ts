/** What is typed in a conversation and not sent yet. Apart from its snapshot: a letter draws the field, and nothing else. */
import { FramedStore } from './framed-store.ts';
import type { Frames } from './frames.ts';

export class DraftStore extends FramedStore<string> {
  readonly #changed: () => void;
  #text = '';

  constructor(frames: Frames, changed: () => void) {
    super(frames, '');
    this.#changed = changed;
  }

  readonly write = (text: string): void => {
    if (text === this.#text) return;
    this.#text = text;
    this.publish();
    this.#changed();
  };

  /** Puts what was typed before in front of what is there. */
  prepend(earlier: string): void {
    this.write([earlier, this.#text].filter((text) => text !== '').join('\n'));
  }

  /** Moves what is there to the end of the other. */
  moveTo(other: DraftStore): void {
    const earlier = other.getSnapshot();
    other.write(this.#text);
    other.prepend(earlier);
    this.write('');
  }

  protected override compose(): string {
    return this.#text;
  }
}
