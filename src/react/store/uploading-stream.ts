/**
 * A stream whose question has photos or PDFs: the relay gets those first that it does not have, then the question. To
 * whoever follows it, it is connecting until then.
 */
import { NO_USAGE } from '../../client/client-stream.ts';
import { DashError, failure } from '../../client/dash-error.ts';
import type {
  Answer,
  DashClient,
  DashStream,
  Message,
  MessageBlock,
  Phase,
  Position,
  StreamRequest,
} from '../../client/index.ts';
import { mintStreamId } from '../../client/platform.ts';
import type { Attachments } from './attachments.ts';

/** `request` names files by the ids of `attachments`. */
export function streamWithUploads(
  client: DashClient,
  attachments: Attachments,
  request: StreamRequest,
): DashStream {
  const ids = filesIn(request.messages);
  return ids.length === 0
    ? client.stream(request)
    : new UploadingStream(
        (known, id) => client.stream(withUploads(request, known), { id }),
        attachments,
        ids,
      );
}

type Ask = (uploads: ReadonlyMap<string, string>, id: string) => DashStream;

class UploadingStream implements DashStream {
  readonly id = mintStreamId();
  readonly final: Promise<Answer>;
  readonly #ask: Ask;
  readonly #attachments: Attachments;
  readonly #files: readonly string[];
  readonly #listeners = new Set<() => void>();
  /** Settles where the question is given up before it was asked. */
  readonly #left: Promise<'cancelled'>;
  #leave: { cancel(): void; detach(): void } | undefined;
  /** Once it is asked. */
  #asked: DashStream | undefined;
  #phase: Phase = 'connecting';

  constructor(ask: Ask, attachments: Attachments, files: readonly string[]) {
    this.#ask = ask;
    this.#attachments = attachments;
    this.#files = files;
    this.#left = new Promise((resolve, reject) => {
      this.#leave = {
        cancel: () => resolve('cancelled'),
        detach: () => reject(new DashError(failure('detached'))),
      };
    });
    this.#left.catch(() => {}); // nobody waits for it once the question is asked
    this.final = this.#run();
    this.final.catch(() => {}); // whoever only listens is told of the failure there
  }

  get phase(): Phase {
    return this.#asked?.phase ?? this.#phase;
  }
  get thinking(): boolean {
    return this.#asked?.thinking ?? false;
  }
  get thought(): string {
    return this.#asked?.thought ?? '';
  }
  get tools(): DashStream['tools'] {
    return this.#asked?.tools ?? {};
  }
  get content(): string {
    return this.#asked?.content ?? '';
  }
  get position(): Position {
    return this.#asked?.position ?? { id: this.id, epoch: undefined, after: 0 };
  }
  get warning(): DashStream['warning'] {
    return this.#asked?.warning;
  }

  cancel(): Promise<Answer> {
    if (this.#asked) return this.#asked.cancel();
    this.#enter('stopping');
    this.#leave?.cancel();
    return this.final;
  }

  detach(): Position {
    if (this.#asked) return this.#asked.detach();
    this.#enter('detached');
    this.#leave?.detach();
    return this.position;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** By hand: Hermes has no generators that are asynchronous. */
  [Symbol.asyncIterator](): AsyncIterator<string> {
    let pieces: AsyncIterator<string> | undefined;
    const end = { done: true, value: undefined } as const;
    return {
      next: async () => {
        while (this.#asked === undefined) {
          if (await Promise.race([this.final, this.#changed()])) return end;
        }
        pieces ??= this.#asked[Symbol.asyncIterator]();
        return pieces.next();
      },
      return: async () => {
        await this.cancel().catch(() => {}); // told to whoever waits for `final`
        return end;
      },
    };
  }

  async #run(): Promise<Answer> {
    for (let isFirst = true; ; isFirst = false) {
      const known = await this.#uploads();
      if (known === 'cancelled') return this.#nothing();
      const stream = this.#ask(known, this.id);
      try {
        return await this.#follow(stream);
      } catch (error) {
        // Their time was over, or another tab asked about them.
        if (!(isFirst && error instanceof DashError && error.code === 'unknown_upload')) throw error;
        this.#asked = undefined;
        this.#attachments.used(this.#files);
      }
    }
  }

  async #uploads(): Promise<ReadonlyMap<string, string> | 'cancelled'> {
    try {
      return await Promise.race([this.#attachments.upload(this.#files), this.#left]);
    } catch (error) {
      this.#phase = this.#phase === 'detached' ? 'detached' : 'failed';
      throw error instanceof DashError ? error : new DashError(failure('closed'));
    }
  }

  async #follow(stream: DashStream): Promise<Answer> {
    this.#asked = stream;
    stream.subscribe(this.#notify);
    this.#notify();
    const answer = await stream.final;
    this.#attachments.used(this.#files); // as the relay does
    return answer;
  }

  readonly #notify = (): void => {
    for (const listener of this.#listeners) listener();
  };

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#notify();
  }

  #changed(): Promise<undefined> {
    return new Promise((resolve) => {
      const unsubscribe = this.subscribe(() => {
        unsubscribe();
        resolve(undefined);
      });
    });
  }

  #nothing(): Answer {
    this.#enter('cancelled');
    return {
      outcome: 'cancelled',
      id: this.id,
      content: '',
      stopReason: null,
      refusal: null,
      model: null,
      usage: NO_USAGE,
      timing: { firstTokenMs: null, totalMs: 0, chunks: 0, bytes: 0 },
      transport: 'websocket',
    };
  }
}

/** Ids of the files that messages name, each once. */
export function filesIn(messages: readonly Message[]): string[] {
  return [
    ...new Set(
      messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content.flatMap(fileIn))),
    ),
  ];
}

function fileIn(block: MessageBlock): string[] {
  return block.type !== 'text' && block.source.type === 'upload' ? [block.source.id] : [];
}

function withUploads(request: StreamRequest, known: ReadonlyMap<string, string>): StreamRequest {
  const renamed = (block: MessageBlock): MessageBlock => {
    if (block.type === 'text' || block.source.type !== 'upload') return block;
    const source = { ...block.source, id: known.get(block.source.id) ?? block.source.id };
    return { ...block, source };
  };
  const messages = request.messages.map((message) => {
    const { content } = message;
    return typeof content === 'string' ? message : { ...message, content: content.map(renamed) };
  });
  return { ...request, messages };
}
