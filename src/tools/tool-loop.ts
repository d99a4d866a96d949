/**
 * The upstream port with tools: asks the model, calls the tools that it asks for, and asks again with their answers, until
 * it has none to ask for any more. For whoever opens it, it is one call with one ending and one bill; a request without
 * tools goes through untouched. How a tool is called is in tool-caller.ts.
 */
import type { ToolUse } from '../models/tools.ts';
import type { Caller } from '../observability/port.ts';
import { RelayError } from '../protocol/relay-error.ts';
import { sumOfReadings, type UsageReading } from '../protocol/usage-reading.ts';
import { toWire, type WireText } from '../protocol/wire-text.ts';
import type { Clock, Timer } from '../time/clock.ts';
import type {
  AssistantTurn,
  ContentBlock,
  ModelRequest,
  TokenCount,
  ToolProgress,
  ToolResult,
  ToolTurn,
  Upstream,
  UpstreamCall,
  UpstreamEnding,
  UpstreamRequest,
  UpstreamSink,
} from '../upstream/port.ts';
import type { ToolCaller, ToolCallResult } from './tool-caller.ts';

export interface ToolLoopParts {
  readonly upstream: Upstream;
  readonly caller: ToolCaller;
  readonly clock: Clock;
  /** For all steps and tools of a run together, ms. */
  readonly totalMs: number;
}

type DoneEnding = Extract<UpstreamEnding, { kind: 'done' }>;
type RequestWithTools = UpstreamRequest & { readonly toolUse: ToolUse };

/** Of one message of the model's. */
const MOST_PARALLEL = 8;
const TOO_MANY: ToolCallResult = {
  outcome: 'too_many',
  content: `No more than ${MOST_PARALLEL} tools can be asked for at once.`,
};
/** Between what the model says before it asks for a tool and what it says after. */
const PARAGRAPH = toWire('\\n\\n');

export class ToolLoop implements Upstream {
  readonly #parts: ToolLoopParts;

  constructor(parts: ToolLoopParts) {
    this.#parts = parts;
  }

  get openRequests(): number {
    return this.#parts.upstream.openRequests;
  }

  open(request: UpstreamRequest, sink: UpstreamSink, signal: AbortSignal): UpstreamCall {
    return hasTools(request)
      ? new CallWithTools(this.#parts, request, sink, signal)
      : this.#parts.upstream.open(request, sink, signal);
  }

  countTokens(request: UpstreamRequest, signal: AbortSignal): Promise<TokenCount> {
    return this.#parts.upstream.countTokens(request, signal);
  }

  close(): Promise<void> {
    return this.#parts.upstream.close();
  }
}

function hasTools(request: UpstreamRequest): request is RequestWithTools {
  return request.toolUse !== undefined;
}

class CallWithTools implements UpstreamCall {
  readonly ended: Promise<UpstreamEnding>;
  readonly flushed: Promise<void>;
  readonly #parts: ToolLoopParts;
  readonly #epoch: string;
  readonly #caller: Caller | undefined;
  readonly #sink: StepSink;
  readonly #stopping = new AbortController();
  readonly #deadline: Timer;
  #isLate = false;
  #step = 0;
  #calls = 0;
  /** Of the messages that have ended. */
  readonly #readings: UsageReading[] = [];
  #call: UpstreamCall | undefined;

  constructor(parts: ToolLoopParts, request: RequestWithTools, sink: UpstreamSink, signal: AbortSignal) {
    this.#parts = parts;
    this.#epoch = request.epoch;
    this.#caller = request.caller;
    this.#sink = new StepSink(sink);
    this.#deadline = parts.clock.after(parts.totalMs, () => {
      this.#isLate = true;
      this.#stopping.abort();
    });
    const onAbort = (): void => this.#stopping.abort();
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
    this.ended = this.#run(request)
      .catch((error: unknown): UpstreamEnding => ({ kind: 'failed', error: RelayError.from(error) }))
      .finally(() => {
        this.#deadline.cancel();
        signal.removeEventListener('abort', onAbort);
      });
    this.flushed = this.#call?.flushed ?? this.ended.then(() => {}); // of the first step, which is open by now
  }

  usage(): UsageReading {
    return sumOfReadings([...this.#readings, ...(this.#call === undefined ? [] : [this.#call.usage()])]);
  }

  async #run(request: RequestWithTools): Promise<UpstreamEnding> {
    const { signal } = this.#stopping;
    let asked = request;
    for (;;) {
      const ending = await this.#ask(asked);
      if (ending.kind !== 'done') return ending.kind === 'aborted' ? this.#aborted(ending) : ending;
      const turn = this.#turnWithTools(ending, asked);
      if (turn === undefined) return this.#done(ending);
      const results = await this.#answer(turn, asked.toolUse);
      if (signal.aborted) return this.#aborted(ending);
      const isLast = this.#step >= request.toolUse.maxSteps;
      asked = nextRequest(asked, turn, { content: turn.content, results, isLast });
    }
  }

  async #ask(request: UpstreamRequest): Promise<UpstreamEnding> {
    this.#step += 1;
    this.#sink.nextStep();
    const call = this.#parts.upstream.open(request, this.#sink, this.#stopping.signal);
    this.#call = call;
    const ending = await call.ended;
    this.#readings.push(call.usage());
    this.#call = undefined;
    return ending;
  }

  /** Undefined where the answer is complete, or the model was not to ask for any. */
  #turnWithTools(
    { stopReason, turn }: DoneEnding,
    { toolTurns }: UpstreamRequest,
  ): AssistantTurn | undefined {
    const mayAsk = toolTurns?.at(-1)?.isLast !== true;
    const asks = stopReason === 'tool_use' && turn?.content.some(isToolUse) === true;
    return mayAsk && asks ? turn : undefined;
  }

  /** All at once, told in the order in which they were asked for. */
  async #answer(turn: AssistantTurn, toolUse: ToolUse): Promise<ToolResult[]> {
    const blocks = turn.content.filter(isToolUse);
    return Promise.all(blocks.map((block, index) => this.#answerOne(block, index, turn, toolUse)));
  }

  async #answerOne(
    { id, name, input }: ToolUseBlock,
    index: number,
    { brokenInputs }: AssistantTurn,
    toolUse: ToolUse,
  ): Promise<ToolResult> {
    if (index >= MOST_PARALLEL) return resultOf(id, TOO_MANY);
    this.#calls += 1;
    const call = this.#calls;
    const { signal } = this.#stopping;
    this.#tell(toolUse, name, { call, state: 'running' });
    const result = await this.#parts.caller.call(
      {
        epoch: this.#epoch,
        caller: this.#caller,
        toolUse,
        name,
        input: brokenInputs.has(id) ? undefined : input,
        call,
        step: this.#step,
      },
      signal,
    );
    const state = result.outcome === 'answered' ? 'done' : 'failed';
    if (!signal.aborted) this.#tell(toolUse, name, { call, state });
    return resultOf(id, result);
  }

  /** Not of a name that the model made up: it is its own word, and no tool of anybody's. */
  #tell({ tools }: ToolUse, name: string, progress: Pick<ToolProgress, 'call' | 'state'>): void {
    const tool = tools.find((each) => each.name === name);
    if (tool === undefined) return;
    const label = tool.label === undefined ? {} : { label: tool.label };
    this.#sink.tool({ name, ...label, ...progress });
  }

  #done(ending: DoneEnding): UpstreamEnding {
    const { refusal, turn: _, ...rest } = ending;
    return { ...rest, refusal: refusal && { ...refusal, partial: refusal.partial || this.#sink.hasText } };
  }

  #aborted({ requestId }: { readonly requestId: string | null }): UpstreamEnding {
    if (!this.#isLate) return { kind: 'aborted', requestId };
    const message = 'the model and its tools did not answer in time; try again';
    return { kind: 'failed', error: new RelayError('upstream_timeout', message, { cause: 'total' }) };
  }
}

type ToolUseBlock = ContentBlock & { readonly id: string; readonly name: string };

function isToolUse(block: ContentBlock): block is ToolUseBlock {
  return block.type === 'tool_use' && typeof block['id'] === 'string' && typeof block['name'] === 'string';
}

function resultOf(toolUseId: string, { outcome, content }: ToolCallResult): ToolResult {
  return { toolUseId, content, isError: outcome !== 'answered' };
}

/** Whoever asked for the tools goes on: what it thought is its own, and another model would be refused with it. */
function nextRequest(
  asked: RequestWithTools,
  { asked: model }: AssistantTurn,
  turn: ToolTurn,
): RequestWithTools {
  const { toolTurns = [] } = asked;
  return { ...asked, ...modelFields(model), fallback: undefined, toolTurns: [...toolTurns, turn] };
}

function modelFields({
  model,
  maxTokens,
  thinking,
  thinkingPace,
  cache,
  refusalFallbacks,
}: ModelRequest): ModelRequest {
  return { model, maxTokens, thinking, thinkingPace, cache, refusalFallbacks };
}

/** Sets apart what the model says in one message from what it says in the next. */
class StepSink implements UpstreamSink {
  readonly #sink: UpstreamSink;
  /** Of any message. */
  hasText = false;
  #isApart = true;

  constructor(sink: UpstreamSink) {
    this.#sink = sink;
  }

  nextStep(): void {
    this.#isApart = !this.hasText;
  }

  text(json: WireText): void {
    if (!this.#isApart) this.#sink.text(PARAGRAPH);
    this.#isApart = true;
    this.hasText = true;
    this.#sink.text(json);
  }

  event(json: WireText): void {
    this.#sink.event(json);
  }

  thinking(json?: WireText): void {
    this.#sink.thinking(json);
  }

  tool(progress: ToolProgress): void {
    this.#sink.tool(progress);
  }

  began(): void {
    this.#sink.began();
  }
}
