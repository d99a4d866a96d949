/** What a conversation costs, by the counts that the simulated model gives and the prices of the day. */
import type { DashClient, Message } from '../../src/client/index.ts';
import { usdOf } from '../../src/pricing/cost.ts';
import type { PriceTable } from '../../src/pricing/prices.ts';
import type { Usage } from '../../src/protocol/frames.ts';
import { NO_USAGE } from '../../src/protocol/usage-reading.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { type Clock, systemClock } from '../../src/time/clock.ts';
import type { Conversation } from './conversations.ts';

/** The system's, with durations longer by the pauses that nobody waited for; the day stays today. */
export class AdvancedClock implements Clock {
  readonly now = systemClock.now;
  readonly after = systemClock.after;
  readonly every = systemClock.every;
  #aheadMs = 0;

  elapsed(): number {
    return systemClock.elapsed() + this.#aheadMs;
  }

  advance(ms: number): void {
    this.#aheadMs += ms;
  }
}

export interface Stage {
  readonly client: DashClient;
  readonly simulator: Simulator;
  /** The simulator's. */
  readonly clock: AdvancedClock;
  readonly prices: PriceTable;
}

/** US dollars. */
export interface Bill {
  readonly total: number;
  /** Of the total: what was read, from the cache or not, and written to it. */
  readonly prompts: number;
  /** Tokens of the last prompt. */
  readonly lastPrompt: number;
}

const BYTES_PER_TOKEN = 4 / 1.3;
/** After the pause no entry of the cache is left of a conversation before. */
const AN_HOUR_AND_MORE = 3_700_000;
const PICTURE =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

export async function billOf(
  stage: Stage,
  conversation: Conversation,
  model: string,
  action: string,
): Promise<Bill> {
  const { turns, answer, window, context, pauseMs } = conversation;
  stage.clock.advance(AN_HOUR_AND_MORE);
  const messages = [...historyOf(conversation)];
  const usages: Usage[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    if (turn > 0) stage.clock.advance(pauseMs);
    messages.push(question(conversation, turn));
    stage.simulator.script({ deltas: [words(answer, `answer ${turn}`)] });
    const data = context === 0 ? {} : { context: words(context, `context ${turn}`) };
    const stream = stage.client.stream({ action, model, messages: window(messages), ...data });
    const { content, usage } = await stream.final;
    messages.push({ role: 'assistant', content });
    usages.push(usage);
  }
  return billFor(usages, model, stage.prices);
}

function billFor(usages: readonly Usage[], model: string, prices: PriceTable): Bill {
  const total = usages.reduce((sum, { costUsd = Number.NaN }) => sum + costUsd, 0);
  const answers = usages.map(({ outputTokens }) =>
    usdOf(prices.costPico(model, { ...NO_USAGE, outputTokens }, Date.now())),
  );
  const last = usages.at(-1);
  return {
    total,
    prompts: total - answers.reduce((sum: number, usd) => sum + (usd ?? Number.NaN), 0),
    lastPrompt: last === undefined ? 0 : last.inputTokens + last.cacheReadTokens + last.cacheWriteTokens,
  };
}

/** Eight turns or fewer, of answers mostly. */
function historyOf({ history, question: asked }: Conversation): Message[] {
  const turns = Math.min(8, Math.ceil(history / 1000));
  const each = history / turns;
  return Array.from({ length: turns }, (_, turn): Message[] => [
    { role: 'user', content: words(asked, `question ${turn} of before`) },
    { role: 'assistant', content: words(each - asked, `answer ${turn} of before`) },
  ]).flat();
}

function question(conversation: Conversation, turn: number): Message {
  const tokens = turn === 0 ? (conversation.firstQuestion ?? conversation.question) : conversation.question;
  const text = words(tokens, `question ${turn}`);
  if (!conversation.pictures) return { role: 'user', content: text };
  const source = { type: 'base64', media_type: 'image/png', data: PICTURE } as const;
  return {
    role: 'user',
    content: [
      { type: 'image', source },
      { type: 'text', text },
    ],
  };
}

/** A text of about so many tokens that begins with that. */
export function words(tokens: number, beginning: string): string {
  return `${beginning} ${'word '.repeat(Math.ceil((tokens * BYTES_PER_TOKEN) / 5))}`.slice(
    0,
    Math.max(beginning.length, Math.round(tokens * BYTES_PER_TOKEN)),
  );
}
