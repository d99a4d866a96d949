/** What is attached in a conversation and not sent yet, in the order in which it was chosen. Kept nowhere. */
import type { Attachment, ChosenFile } from './attachment.ts';
import type { Attachments } from './attachments.ts';
import { FramedStore } from './framed-store.ts';
import type { Frames } from './frames.ts';

const NOTHING: readonly Attachment[] = [];

export class AttachedStore extends FramedStore<readonly Attachment[]> {
  readonly #files: Attachments;
  /** Files went: what nobody has any more is to be forgotten. */
  readonly #removed: () => void;
  #list = NOTHING;

  constructor(files: Attachments, frames: Frames, removed: () => void) {
    super(frames, NOTHING);
    this.#files = files;
    this.#removed = removed;
  }

  add(chosen: readonly ChosenFile[]): void {
    const added = chosen.map((each) => ({ id: this.#files.hold(each), kind: each.kind, alt: '' }));
    this.#set([...this.#list, ...added]);
  }

  remove(id: string): void {
    this.#set(this.#list.filter((each) => each.id !== id));
    this.#removed();
  }

  /** Says what it shows. */
  describe(id: string, alt: string): void {
    this.#set(this.#list.map((each) => (each.id === id ? { ...each, alt } : each)));
  }

  /** All of it with what is known by now, to go with a question; undefined while one is not ready. */
  take(): readonly Attachment[] | undefined {
    const whole: Attachment[] = [];
    for (const { id, kind, alt } of this.#list) {
      const file = this.#files.get(id);
      if (file?.status !== 'ready') return undefined;
      const { width, height, pages } = file;
      const size = kind === 'photo' ? { width, height } : { pages };
      whole.push({ id, kind, alt: alt.trim(), ...size });
    }
    this.#set(NOTHING);
    return whole;
  }

  clear(): void {
    this.#set(NOTHING);
  }

  /** Moves what is there to the end of the other. */
  moveTo(other: AttachedStore): void {
    other.#set([...other.#list, ...this.#list]);
    this.#set(NOTHING);
  }

  protected override compose(): readonly Attachment[] {
    return this.#list;
  }

  #set(list: readonly Attachment[]): void {
    this.#list = list;
    this.publish();
  }
}
