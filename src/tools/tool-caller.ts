/**
 * Answers what a model asked of a tool: by a signed call of the operator's endpoint, or by a sentence for the model where
 * none is made or none succeeds. The model never learns more of a failure than that there was one.
 */
import type { AskerField, Tool, ToolUse } from '../models/tools.ts';
import type { Caller } from '../observability/port.ts';
import { MAX_ANSWER_BYTES, type PostAnswer, type PostOutcome, postOnce } from '../outgoing/post-once.ts';
import type { Clock } from '../time/clock.ts';
import { signedHeaders } from './signature.ts';

/** `bad_input`: it does not fit the schema; `unknown_tool`, `too_many`: no call is made either. */
export type ToolOutcome = PostOutcome | 'bad_input' | 'unknown_tool' | 'too_many';

/** One call of a tool, or why there was none. For the log: no input, no answer. */
export interface ToolCalled extends Partial<Caller> {
  readonly epoch: string;
  readonly action: string;
  /** `unknown` where the model made one up. */
  readonly tool: string;
  /** Numbers the calls of the run, from 1. */
  readonly call: number;
  /** Numbers the messages of the model, from 1. */
  readonly step: number;
  readonly outcome: ToolOutcome;
  readonly status: number | null;
  readonly ms: number;
  /** Of its answer. */
  readonly bytes: number;
}

/** What a model asked for. */
export interface ToolCall {
  readonly epoch: string;
  /** Who asked, for the log. */
  readonly caller: Caller | undefined;
  readonly toolUse: ToolUse;
  readonly name: string;
  /** Undefined where it was no JSON object. */
  readonly input: unknown;
  readonly call: number;
  readonly step: number;
}

export interface ToolCallResult {
  readonly outcome: ToolOutcome;
  /** For the model. */
  readonly content: string;
}

export interface ToolCallerParts {
  /** TOOLS_SECRET. */
  readonly secret: string;
  readonly clock: Clock;
  /** Must not throw. */
  readonly onCalled: (event: ToolCalled) => void;
}

/** On this machine, of all runs: each holds a connection. */
const MOST_AT_ONCE = 256;
const NOT_CALLED: PostAnswer & { outcome: 'answered' } = {
  outcome: 'answered',
  text: '',
  status: null,
  bytes: 0,
  retryAfter: null,
};

export class ToolCaller {
  readonly #parts: ToolCallerParts;
  #live = 0;

  constructor(parts: ToolCallerParts) {
    this.#parts = parts;
  }

  /** Resolves with what the model is to be told. Never rejects. */
  async call(asked: ToolCall, signal: AbortSignal): Promise<ToolCallResult> {
    const { clock, onCalled } = this.#parts;
    const began = clock.elapsed();
    const tool = asked.toolUse.tools.find(({ name }) => name === asked.name);
    const problem = this.#problem(tool, asked);
    const answer =
      tool === undefined || problem !== undefined ? NOT_CALLED : await this.#post(tool, asked, signal);
    const outcome = problem?.outcome ?? answer.outcome;
    const { epoch, caller, call, step, toolUse } = asked;
    const { status, bytes } = answer;
    const ms = clock.elapsed() - began;
    const { action } = toolUse;
    const run = { epoch, ...caller, action };
    onCalled({ ...run, tool: tool?.name ?? 'unknown', call, step, outcome, status, ms, bytes });
    return { outcome, content: problem?.content ?? contentOf(answer) };
  }

  /** Why no call is made. */
  #problem(tool: Tool | undefined, { input }: ToolCall): ToolCallResult | undefined {
    if (tool === undefined) return { outcome: 'unknown_tool', content: 'There is no such tool.' };
    if (this.#live >= MOST_AT_ONCE) return { outcome: 'too_many', content: BUSY };
    const { success, error } = tool.input.safeParse(input);
    if (success) return undefined;
    const [issue] = error.issues;
    const place = issue?.path.join('.') ?? '';
    return {
      outcome: 'bad_input',
      content: `The input does not fit the schema of this tool${place === '' ? '' : `: see ${place}`}.`,
    };
  }

  async #post(tool: Tool, asked: ToolCall, signal: AbortSignal): Promise<PostAnswer> {
    const { secret, clock } = this.#parts;
    const body = JSON.stringify(bodyOf(tool, asked));
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json, text/plain',
      'user-agent': 'dash-relay',
      ...signedHeaders(secret, body, clock.now()),
    };
    const { url, timeoutMs } = tool;
    this.#live += 1;
    try {
      return await postOnce({ url, body, headers, timeoutMs, signal, wantsText: true }, clock);
    } finally {
      this.#live -= 1;
    }
  }
}

/** `call` is never sent twice: with `run` it is a key by which a tool can tell one call from another. */
function bodyOf({ name, sends }: Tool, { epoch, input, call, step, toolUse }: ToolCall) {
  const { action, asker } = toolUse;
  const told = sends.map((field): [AskerField, string | null] => [field, asker[field]]);
  return { tool: name, input, action, run: epoch, call, step, ...Object.fromEntries(told) };
}

function contentOf({ outcome, text }: PostAnswer): string {
  if (outcome === 'answered') return text.trim() === '' ? 'The tool answered with nothing.' : text;
  return SENTENCES[outcome] ?? 'The tool could not answer.';
}

const BUSY = 'The tool is busy.';
const SENTENCES: Readonly<Partial<Record<PostOutcome, string>>> = {
  late: 'The tool did not answer in time.',
  too_large: `The tool's answer was longer than ${MAX_ANSWER_BYTES / 1024} KiB; ask it for less.`,
};
