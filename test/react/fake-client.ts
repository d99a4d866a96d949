/** A client whose streams say what the test tells them to, when it tells them. */
import { type DashErrorCode, type Failure, failure } from '../../src/client/dash-error.ts';
import {
  type Answer,
  type DashClient,
  DashError,
  type DashStream,
  type ListedStream,
  type Phase,
  type Position,
  type QuotaState,
  type Refusal,
  type StreamOptions,
  type StreamPage,
  type StreamRequest,
  type StreamsListener,
  type ToolUse,
  type Usage,
  type UserListener,
} from '../../src/client/index.ts';
import type { Reply } from '../../src/client/relay-http.ts';
import { isUnderWay } from '../../src/react/store/answer-state.ts';

const USAGE: Usage = {
  inputTokens: 3,
  outputTokens: 7,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  source: 'final',
};
const TIMING = { firstTokenMs: 1, totalMs: 2, chunks: 1, bytes: 1 };

export class FakeStream implements DashStream {
  readonly id: string;
  readonly request: StreamRequest | undefined;
  readonly final: Promise<Answer>;
  phase: Phase = 'connecting';
  thinking = false;
  thought = '';
  tools: Readonly<Record<number, ToolUse>> = {};
  warning: QuotaState | undefined;
  content: string;
  position: Position;
  readonly #listeners = new Set<() => void>();
  readonly #settle: PromiseWithResolvers<Answer> = Promise.withResolvers();

  constructor(position: Position, content = '', request?: StreamRequest) {
    this.id = position.id;
    this.position = position;
    this.content = content;
    this.request = request;
    this.final = this.#settle.promise;
    this.final.catch(() => {});
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  accept(epoch = 'epoch-0001'): this {
    this.position = { ...this.position, epoch };
    return this.enter('thinking');
  }

  think(...pieces: readonly string[]): this {
    this.thinking = true;
    this.thought = pieces.join('');
    return this.enter(this.phase);
  }

  callTool(tool: ToolUse): this {
    this.thinking = false;
    this.tools = { ...this.tools, [tool.call]: tool };
    return this.enter(this.phase);
  }

  say(...pieces: readonly string[]): this {
    this.thinking = false;
    this.tools = {};
    for (const piece of pieces) {
      this.content += piece;
      this.position = { ...this.position, after: this.position.after + 1 };
      this.enter('streaming');
    }
    return this;
  }

  enter(phase: Phase): this {
    this.phase = phase;
    for (const listener of this.#listeners) listener();
    return this;
  }

  async refuse(category: string | null = 'general_harms'): Promise<void> {
    await this.end('done', { category, partial: this.content !== '' });
  }

  async end(outcome: 'done' | 'cancelled' = 'done', refusal: Refusal | null = null): Promise<void> {
    this.thinking = false;
    this.enter(outcome);
    const { id, content } = this;
    const stopReason = refusal ? 'refusal' : outcome === 'done' ? 'end_turn' : null;
    const transport = 'websocket';
    this.#settle.resolve({
      outcome,
      id,
      content,
      stopReason,
      refusal,
      model: null,
      usage: USAGE,
      timing: TIMING,
      transport,
    });
    await this.final;
  }

  async fail(code: DashErrorCode, retryable = false, more: Partial<Failure> = {}): Promise<void> {
    this.enter('failed');
    this.#settle.reject(new DashError({ ...failure(code, retryable), ...more }, this.content));
    await this.final.catch(() => {});
  }

  cancel(): Promise<Answer> {
    this.enter('stopping');
    return this.final;
  }

  detach(): Position {
    this.enter('detached');
    this.#settle.reject(new DashError(failure('detached')));
    return this.position;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    yield this.content;
  }
}

interface SignIn {
  readonly asking?: FakeStream;
  readonly signedOut?: boolean;
}

export class FakeClient implements DashClient {
  readonly asked: FakeStream[] = [];
  /** Which streams the relay would list. */
  listed: readonly ListedStream[] = [];
  readonly #watchers = new Set<StreamsListener>();
  closed = 0;
  readonly #userListeners = new Set<UserListener>();
  /** Undefined where it is not known yet. */
  userId: string | null | undefined = 'user-1';

  onUser(listener: UserListener): () => void {
    this.#userListeners.add(listener);
    if (this.userId !== undefined) listener(this.userId, false);
    return () => this.#userListeners.delete(listener);
  }

  /** As the client does where a token of another user comes. `asking`: what that user asked, by which it came. */
  signIn(userId: string | null, { asking, signedOut = false }: SignIn = {}): void {
    for (const stream of this.asked) if (isUnderWay(stream.phase) && stream !== asking) stream.detach();
    this.userId = userId;
    for (const listener of this.#userListeners) listener(userId, signedOut);
  }

  async streams(): Promise<StreamPage> {
    return { streams: this.listed, next: null };
  }

  watch(listener: StreamsListener): () => void {
    this.#watchers.add(listener);
    listener(this.listed, this.listed);
    return () => this.#watchers.delete(listener);
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  /** As the relay does where streams start, end or are erased. */
  list(...listed: readonly ListedStream[]): void {
    this.listed = listed;
    for (const listener of this.#watchers) listener(listed, listed);
  }

  signOut(): void {
    this.signIn(null, { signedOut: true });
  }

  get latest(): FakeStream {
    const stream = this.asked.at(-1);
    if (stream === undefined) throw new Error('nothing was asked');
    return stream;
  }

  stream(request: StreamRequest, { id = `stream-${this.asked.length + 1}` }: StreamOptions = {}): FakeStream {
    const position = { id, epoch: undefined, after: 0 };
    return this.#begin(new FakeStream(position, '', request));
  }

  attach(
    id: string,
    epoch?: string,
    after = 0,
    options: { readonly content?: string | undefined } = {},
  ): FakeStream {
    const stream = this.#begin(new FakeStream({ id, epoch, after }, options.content));
    return stream;
  }

  /** What was to be forgotten; null: all. */
  readonly forgotten: (string | null)[] = [];
  keepsAnswers: boolean | undefined;
  /** What the next are refused with. */
  forgetFails: Failure | undefined;

  async forget(id: string): Promise<void> {
    if (this.forgetFails) throw new DashError(this.forgetFails);
    this.forgotten.push(id);
  }

  async forgetAll(): Promise<void> {
    this.forgotten.push(null);
  }

  /** What was asked of other routes: bodies as they were sent. */
  readonly requests: { readonly path: string; readonly body: unknown }[] = [];
  /** What the next of them is answered with. */
  reply: Reply = { error: failure('unavailable', true) };

  request: DashClient['request'] = async (path, { body = 'null' }) => {
    this.requests.push({ path, body: JSON.parse(String(body)) });
    return this.reply;
  };

  close(): void {
    this.closed += 1;
  }

  #begin(stream: FakeStream): FakeStream {
    this.asked.push(stream);
    return stream;
  }
}
