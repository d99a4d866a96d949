/**
 * Meters one call: what the API reported so far, and an estimate of the output tokens it has not reported yet.
 * It prices nothing and stores nothing.
 *
 * What the API reports: `message_start` gives the counts of the prompt and a placeholder for the output; `message_delta`
 * gives totals that replace both, so far as they are totals. The prompt's are where one of them is new: then the prompt was
 * counted anew (server tools made it longer, a compaction shorter), and each of them holds. Otherwise they repeat the start,
 * and a zero among them is a gateway's blank. The output's only grows. A body may hold several messages: their last counts
 * are added. Attempts that a message lists besides (iterations.ts) change what it costs, and not its counts.
 *
 * A reading is `final` where every message came with a total of its output, and with a prompt: none is empty.
 *
 * The estimate, for a stream that is cut before its `message_delta`: tokens grow linearly with the bytes streamed, with
 * one weight per kind. The weights are a least-absolute-relative-error fit on 52 public recordings with known totals.
 * On those, cut just before their totals: median error 6 %, 95th percentile 42 % (answers of a few words, and server
 * tools whose work is not streamed, are the worst; 5 % and 26 % for answers of 50 tokens or more). Cut anywhere, against
 * the total spread evenly over the content: median 16 %, 95th percentile 108 % (early in short answers; at 30, 50, 70 and
 * 90 % of longer ones the median is 10 %).
 * Bytes, not characters, because scripts with more bytes a character also take more tokens a character.
 * What is thought is estimated by itself (thought-meter.ts).
 */
import type { ThinkingPace } from '../models/thinking.ts';
import type { UsageSource } from '../protocol/frames.ts';
import {
  type BilledTokens,
  NO_USAGE,
  type PriceTerms,
  plusTokens,
  type UsageReading,
} from '../protocol/usage-reading.ts';
import { identifier } from './api-names.ts';
import { isCount } from './counts.ts';
import { answeringModel, billedApart, type Iteration, iterationsOf } from './iterations.ts';
import { ThoughtMeter } from './thought-meter.ts';

/** Nothing is known of the model's. */
const NO_PACE: ThinkingPace = { tokensPerSecond: 0, maxTokens: 0 };

const TOKENS_PER_MESSAGE = 4.4;
/** Per byte of the text's JSON literal. */
const TOKENS_PER_TEXT_BYTE = 0.236;
/** A tool call's frame: its name and the markup around it. */
const TOKENS_PER_TOOL_CALL = 44;
const TOKENS_PER_TOOL_BYTE = 0.305;
const TOKENS_PER_CITATION = 17;

/** The counts of an API `usage` object; a field it lacks is unchanged. */
export interface ReportedUsage {
  readonly input_tokens?: unknown;
  readonly output_tokens?: unknown;
  readonly cache_read_input_tokens?: unknown;
  readonly cache_creation_input_tokens?: unknown;
  readonly cache_creation?: unknown;
  readonly output_tokens_details?: unknown;
  readonly server_tool_use?: unknown;
  readonly inference_geo?: unknown;
  readonly service_tier?: unknown;
  readonly speed?: unknown;
  readonly iterations?: unknown;
}

/** Of a prompt: how many tokens were read at which price. */
interface PromptCounts {
  input: number;
  cacheRead: number;
  cacheWrite: number;
  cacheWrite1h: number;
}

interface Counts extends PromptCounts {
  output: number;
  /** Of the output. */
  thinking: number;
  webSearches: number;
  /** Only `message_start` names them. */
  terms: PriceTerms | null;
  /** Attempts that it is billed by; none where it is billed as a whole. */
  iterations: readonly Iteration[];
  refused: boolean;
}

const noCounts = (): Counts => ({
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  cacheWrite1h: 0,
  thinking: 0,
  webSearches: 0,
  terms: null,
  iterations: [],
  refused: false,
});

export class UsageMeter {
  /** Messages that have ended, and are billed. */
  readonly #ended: BilledTokens[] = [];
  /** The same, with the attempts that a message is billed by in its place. */
  readonly #bill: BilledTokens[] = [];
  /** The message that is open. */
  #current = noCounts();
  #source: UsageSource = 'none';
  /** Whether every ended message came with its totals. */
  #exact = true;
  /** The model of the last message that was billed, or is open. */
  #model: string | null = null;
  #openModel: string | null = null;
  #open = false;
  #totalsSeen = false;
  #textBytes = 0;
  #thought: ThoughtMeter;
  /** Estimated tokens of all but text and thinking. */
  #otherTokens = 0;
  #hasOutput = false;
  readonly #newThought: () => ThoughtMeter;

  /**
   * @param pace of the model's thinking
   * @param now ms, on any scale: how long a block of thinking is open
   */
  constructor(pace: ThinkingPace = NO_PACE, now: () => number = () => 0) {
    this.#newThought = () => new ThoughtMeter(pace, now);
    this.#thought = this.#newThought();
  }

  /** @param model as the API named it */
  messageStarted(usage: ReportedUsage, model: string | null): void {
    if (this.#open) this.messageStopped();
    this.#open = true;
    this.#openModel = model;
    const counts = this.#current;
    Object.assign(counts, promptCounts(usage, counts));
    if (isCount(usage.output_tokens)) counts.output = usage.output_tokens;
    counts.terms = termsOf(usage) ?? counts.terms;
    Object.assign(counts, otherCounts(usage, counts));
    if (this.#source === 'none') this.#source = 'input_only';
  }

  messageTotals(usage: ReportedUsage): void {
    const counts = this.#current;
    const prompt = promptCounts(usage, counts);
    if (isNew(prompt, counts)) Object.assign(counts, prompt);
    Object.assign(counts, otherCounts(usage, counts));
    const output = usage.output_tokens;
    const iterations = iterationsOf(usage.iterations);
    // None is no total of an answer that was seen, unless it was another attempt's.
    const isSilent = output === 0 && iterations.every(({ outputTokens }) => outputTokens === 0);
    if (!isCount(output) || (isSilent && this.#estimate() > 0)) return;
    counts.output = this.#totalsSeen ? Math.max(counts.output, output) : output;
    counts.iterations = iterations;
    this.#openModel = answeringModel(iterations) ?? this.#openModel;
    this.#totalsSeen = true;
  }

  /** Another model goes on with the open message. */
  modelChanged(model: string): void {
    this.#openModel = model;
  }

  /** The model refused to go on. Before a word of the answer that costs nothing, though usage names tokens. */
  refused(): void {
    this.#current.refused = true;
  }

  messageStopped(): void {
    const { input, cacheRead, cacheWrite, output } = this.#current;
    const prompt = input + cacheRead + cacheWrite;
    // A message within a body may be a server tool's own step: all zeros, billed with another message.
    const spoke = this.#textBytes + this.#thought.textBytes > 0;
    const billedElsewhere = prompt === 0 && output === 0 && !spoke;
    if (billedElsewhere) this.#totalsSeen = true;
    else if (!this.#totalsSeen || prompt === 0) this.#exact = false;
    if (!billedElsewhere || this.#model === null) this.#model = this.#openModel;
    this.#endMessage();
  }

  /** The body is complete: the reading is the bill. */
  bodyEnded(): void {
    this.#endMessage();
    if (this.#source !== 'none' || this.#ended.length > 0) this.#source = this.#exact ? 'final' : 'estimated';
  }

  /** @param bytes length of the delta's JSON literal. */
  text(bytes: number): void {
    this.#textBytes += bytes;
    this.#hasOutput = true;
  }

  /** What is thought in the open message; every call of it is output. */
  get thinking(): ThoughtMeter {
    this.#hasOutput = true;
    return this.#thought;
  }

  toolCall(): void {
    this.#other(TOKENS_PER_TOOL_CALL);
  }

  toolInput(bytes: number): void {
    this.#other(bytes * TOKENS_PER_TOOL_BYTE);
  }

  citation(): void {
    this.#other(TOKENS_PER_CITATION);
  }

  reading(): UsageReading {
    const messages = [...this.#ended, ...this.#openMessage()];
    const bill = [...this.#bill, ...this.#openBill()];
    return {
      ...messages.reduce(plusTokens, NO_USAGE),
      source: this.#hasOutput && this.#source !== 'final' ? 'estimated' : this.#source,
      model: (this.#open ? this.#openModel : null) ?? this.#model,
      ...(bill.length > 1 ? { messages: bill } : {}),
    };
  }

  /** The open message, as far as it is billed. */
  #openMessage(): BilledTokens[] {
    return [this.#openTokens()].filter(isBilled);
  }

  #openBill(): BilledTokens[] {
    const { iterations, refused } = this.#current;
    return billedApart(this.#openTokens(), iterations, refused).filter(isBilled);
  }

  #openTokens(): BilledTokens {
    const { input, cacheRead, cacheWrite, cacheWrite1h, thinking, webSearches, terms, refused } =
      this.#current;
    const outputTokens = this.#openOutput();
    const thought = this.#totalsSeen ? thinking : Math.max(thinking, Math.round(this.#thought.tokens));
    return {
      inputTokens: input,
      outputTokens,
      cacheReadTokens: cacheRead,
      cacheWriteTokens: cacheWrite,
      cacheWrite1hTokens: cacheWrite1h,
      thinkingTokens: Math.min(thought, outputTokens),
      webSearches,
      terms,
      uncharged: refused && this.#estimate() === 0,
      model: this.#openModel,
    };
  }

  #other(tokens: number): void {
    this.#otherTokens += tokens;
    this.#hasOutput = true;
  }

  /** Output of the open message: reported, or estimated but never below the placeholder. */
  #openOutput(): number {
    return this.#totalsSeen ? this.#current.output : Math.max(this.#current.output, this.#estimate());
  }

  #estimate(): number {
    const text = this.#textBytes * TOKENS_PER_TEXT_BYTE;
    const content = text + this.#thought.tokens + this.#otherTokens;
    return content === 0 && !this.#thought.began ? 0 : Math.round(TOKENS_PER_MESSAGE + content);
  }

  #endMessage(): void {
    this.#ended.push(...this.#openMessage());
    this.#bill.push(...this.#openBill());
    this.#current = noCounts();
    this.#open = false;
    this.#totalsSeen = false;
    this.#textBytes = 0;
    this.#thought = this.#newThought();
    this.#otherTokens = 0;
  }
}

function isBilled({ inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }: BilledTokens): boolean {
  return inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens > 0;
}

const PROMPT_KINDS = ['input', 'cacheRead', 'cacheWrite', 'cacheWrite1h'] as const;

/** The counts of a prompt that are reported, the others as they were. */
function promptCounts(usage: ReportedUsage, before: Readonly<PromptCounts>): PromptCounts {
  const count = (value: unknown, otherwise: number) => (isCount(value) ? value : otherwise);
  const { ephemeral_5m_input_tokens: writes5m, ephemeral_1h_input_tokens: writes1h } =
    (usage.cache_creation ?? {}) as {
      readonly ephemeral_5m_input_tokens?: unknown;
      readonly ephemeral_1h_input_tokens?: unknown;
    };
  const cacheWrite1h = count(writes1h, before.cacheWrite1h);
  // Without their total it is what they sum up to.
  const written = isCount(writes5m) ? writes5m + cacheWrite1h : before.cacheWrite;
  return {
    input: count(usage.input_tokens, before.input),
    cacheRead: count(usage.cache_read_input_tokens, before.cacheRead),
    cacheWrite: count(usage.cache_creation_input_tokens, written),
    cacheWrite1h,
  };
}

/** Counts that are no tokens of the prompt, where they are reported; they only grow. */
function otherCounts(
  usage: ReportedUsage,
  { thinking, webSearches }: Readonly<Counts>,
): Pick<Counts, 'thinking' | 'webSearches'> {
  const { thinking_tokens: thought } = (usage.output_tokens_details ?? {}) as { thinking_tokens?: unknown };
  const { web_search_requests: searches } = (usage.server_tool_use ?? {}) as {
    web_search_requests?: unknown;
  };
  return {
    thinking: isCount(thought) ? Math.max(thinking, thought) : thinking,
    webSearches: isCount(searches) ? Math.max(webSearches, searches) : webSearches,
  };
}

/** Null where all of them are the standard ones. */
function termsOf(usage: ReportedUsage): PriceTerms | null {
  const terms = {
    inferenceGeo: termOf(usage.inference_geo),
    serviceTier: termOf(usage.service_tier),
    speed: termOf(usage.speed),
  };
  return Object.values(terms).every((term) => term === null) ? null : terms;
}

/** Names that say nothing special. */
const USUAL: ReadonlySet<string> = new Set(['standard', 'global', 'not_available']);

function termOf(value: unknown): string | null {
  const name = identifier(value);
  return name === null || USUAL.has(name) ? null : name;
}

/** Whether some count is another than before, and not blank. */
function isNew(after: Readonly<PromptCounts>, before: Readonly<PromptCounts>): boolean {
  return PROMPT_KINDS.some((kind) => after[kind] > 0 && after[kind] !== before[kind]);
}
