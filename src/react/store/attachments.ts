/**
 * The files of all questions, from the moment a person chose them until no conversation has them any more. They are in
 * the memory of this page alone. The relay deletes what a question was asked about: each that is told of later in its
 * conversation is sent again.
 *
 *   chosen ──prepared──► uploading ──► ready ──asked about──► uploading again with the next question
 *      └──► failed ◄─────────┘└──retry─►
 */
import { DashError, failure } from '../../client/dash-error.ts';
import type { DashClient } from '../../client/index.ts';
import { mintStreamId } from '../../client/platform.ts';
import { removeUpload, type Upload, upload } from '../../client/upload.ts';
import {
  type Attachment,
  type AttachmentProblem,
  type ChosenFile,
  type PreparedFile,
  UnusableFile,
} from './attachment.ts';
import { FramedStore } from './framed-store.ts';
import type { Frames } from './frames.ts';

/** How a file fares. */
export interface HeldFile {
  readonly kind: Attachment['kind'];
  readonly status: 'preparing' | 'uploading' | 'ready' | 'failed';
  /** Of what is being uploaded the part that has left, 0 to 1. */
  readonly progress: number;
  /** Why, where it failed. */
  readonly problem: AttachmentProblem | undefined;
  /** Where a screen shows it from, once it is prepared; a document is not shown. */
  readonly uri: string | undefined;
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly pages: number | undefined;
}

export type HeldFiles = ReadonlyMap<string, HeldFile>;

interface Entry {
  readonly chosen: ChosenFile;
  shown: HeldFile;
  prepared: PreparedFile | undefined;
  /** What the relay has of it, or is given now. */
  upload: { readonly promise: Promise<Upload>; readonly abort: AbortController } | undefined;
}

export class Attachments extends FramedStore<HeldFiles> {
  readonly #client: DashClient;
  readonly #entries = new Map<string, Entry>();

  constructor(client: DashClient, frames: Frames) {
    super(frames, new Map());
    this.#client = client;
  }

  /** Prepares and uploads a file; its id. */
  hold(chosen: ChosenFile): string {
    const id = mintStreamId();
    this.#entries.set(id, { chosen, shown: FIRST(chosen.kind), prepared: undefined, upload: undefined });
    this.retry(id);
    return id;
  }

  /** Does what is left to do for it. */
  retry(id: string): void {
    const entry = this.#entries.get(id);
    if (entry) void this.#advance(entry);
  }

  /** As it is now, also where no frame has shown it yet. */
  get(id: string): HeldFile | undefined {
    return this.#entries.get(id)?.shown;
  }

  /** Whether it can be sent, now or again. */
  readonly isHeld = (id: string): boolean => this.#entries.get(id)?.prepared !== undefined;

  /**
   * The ids by which the relay knows these, each sent again where it must be.
   * @throws DashError
   */
  async upload(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const known = await Promise.all(
      ids.map(async (id) => [id, (await this.#uploaded(this.#held(id))).id] as const),
    );
    return new Map(known);
  }

  /** The relay has these no longer: a question was asked about them, or it says so. */
  used(ids: Iterable<string>): void {
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry) entry.upload = undefined;
    }
  }

  /** Forgets all files but these, here and at the relay. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const [id, entry] of this.#entries) if (!ids.has(id)) this.#forget(id, entry);
    this.publish();
  }

  protected override compose(before: HeldFiles): HeldFiles {
    const isSame =
      before.size === this.#entries.size &&
      Array.from(this.#entries).every(([id, { shown }]) => before.get(id) === shown);
    return isSame ? before : new Map(Array.from(this.#entries, ([id, { shown }]) => [id, shown]));
  }

  #held(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new DashError(failure('unknown_upload'));
    return entry;
  }

  async #advance(entry: Entry): Promise<void> {
    if (entry.prepared === undefined) this.#show(entry, { status: 'preparing', problem: undefined });
    try {
      const prepared = entry.prepared ?? (await entry.chosen.prepare());
      entry.prepared = prepared;
      if (!this.#isKept(entry)) {
        prepared.release?.();
        return;
      }
      const { uri, width, height } = prepared;
      this.#show(entry, { uri, width, height });
      await this.#uploaded(entry);
    } catch (error) {
      this.#failed(entry, error);
    }
  }

  /** One upload at a time, whoever asks. */
  async #uploaded(entry: Entry): Promise<Upload> {
    entry.upload ??= this.#begin(entry);
    const { upload: begun } = entry;
    try {
      const answer = await begun.promise;
      this.#show(entry, { status: 'ready', progress: 1, pages: answer.pages });
      return answer;
    } catch (error) {
      if (entry.upload === begun) entry.upload = undefined;
      this.#failed(entry, error);
      throw error;
    }
  }

  #begin(entry: Entry): NonNullable<Entry['upload']> {
    const { prepared } = entry;
    if (prepared === undefined) throw new DashError(failure('unknown_upload'));
    this.#show(entry, { status: 'uploading', progress: 0, problem: undefined });
    const abort = new AbortController();
    const promise = upload(this.#client, prepared.file, {
      signal: abort.signal,
      onProgress: (sent, total) => {
        entry.shown = { ...entry.shown, progress: total > 0 ? sent / total : 0 };
        this.changed();
      },
    });
    return { promise, abort };
  }

  #failed(entry: Entry, error: unknown): void {
    this.#show(entry, { status: 'failed', problem: problemOf(error) });
  }

  #show(entry: Entry, change: Partial<HeldFile>): void {
    entry.shown = { ...entry.shown, ...change };
    if (this.#isKept(entry)) this.publish();
  }

  #isKept(entry: Entry): boolean {
    return Array.from(this.#entries.values()).includes(entry);
  }

  #forget(id: string, { upload: begun, prepared }: Entry): void {
    this.#entries.delete(id);
    begun?.abort.abort();
    begun?.promise.then(
      (answer) => removeUpload(this.#client, answer.id),
      () => {}, // nothing came of it
    );
    prepared?.release?.();
  }
}

const FIRST = (kind: Attachment['kind']): HeldFile => ({
  kind,
  status: 'preparing',
  progress: 0,
  problem: undefined,
  uri: undefined,
  width: undefined,
  height: undefined,
  pages: undefined,
});

/** By the relay's reason, else by its code; what has no word of its own is a matter of time. */
export function problemOf(error: unknown): AttachmentProblem {
  if (error instanceof UnusableFile) return error.problem;
  if (!(error instanceof DashError)) return 'busy';
  const { code, reason } = error;
  return (reason && OF_REASONS[reason]) ?? OF_CODES[code] ?? 'busy';
}

const OF_REASONS: Readonly<Record<string, AttachmentProblem>> = {
  animated: 'moving',
  damaged: 'damaged',
  encrypted: 'encrypted',
  heic: 'heic',
  pages: 'tooManyPages',
  pdf: 'noDocuments',
  sides: 'tooLarge',
  svg: 'drawing',
};

const OF_CODES: Readonly<Record<string, AttachmentProblem>> = {
  too_large: 'tooLarge',
  unsupported: 'notPhoto',
  bad_request: 'damaged',
  too_many_uploads: 'tooManyWaiting',
  not_found: 'notTaken',
  forbidden: 'notTaken',
  unauthorized: 'signIn',
  unreachable: 'unreachable',
};
