/**
 * What the Messages API (version 2026-10-21) refuses of a request, written down from its documentation and by no code
 * of ours: model by model how thinking may be asked for, which effort, how many tokens, and what else is a 400.
 */

type Type = 'adaptive' | 'enabled' | 'disabled' | 'between_tools';

interface Rule {
  readonly accepts: readonly Type[];
  readonly efforts: readonly string[];
  /** Efforts that are refused beside this type. */
  readonly notWith?: Readonly<Partial<Record<Type, readonly string[]>>>;
  readonly most: number;
  readonly prefill: boolean;
}

const FIVE = ['low', 'medium', 'high', 'xhigh', 'max'];
const TOP = ['xhigh', 'max'];
const K128 = 128_000;
const K64 = 64_000;
const always: Rule = { accepts: ['adaptive'], efforts: FIVE, most: K128, prefill: false };

export const API_RULES: Readonly<Record<string, Rule>> = {
  'claude-fable-5-2': always,
  'claude-mythos-5-2': always,
  'claude-fable-5-1': always,
  'claude-mythos-5-1': always,
  'claude-fable-5': always,
  'claude-mythos-5': always,
  'claude-opus-5-5': always,
  'claude-opus-5': { ...always, accepts: ['adaptive', 'disabled'], notWith: { disabled: TOP } },
  'claude-sonnet-5-5': {
    ...always,
    accepts: ['adaptive', 'between_tools'],
    notWith: { between_tools: TOP },
  },
  'claude-sonnet-5': { ...always, accepts: ['adaptive', 'disabled'] },
  'claude-haiku-5-5': { ...always, accepts: ['adaptive', 'disabled'], notWith: { disabled: TOP } },
  'claude-opus-4-8': { ...always, accepts: ['adaptive', 'disabled'] },
  'claude-opus-4-7': { ...always, accepts: ['adaptive', 'disabled'] },
  'claude-opus-4-6': {
    ...always,
    accepts: ['adaptive', 'enabled', 'disabled'],
    efforts: ['low', 'medium', 'high', 'max'],
  },
  'claude-sonnet-4-6': {
    ...always,
    accepts: ['adaptive', 'enabled', 'disabled'],
    efforts: ['low', 'medium', 'high', 'max'],
  },
  'claude-opus-4-5': {
    accepts: ['enabled', 'disabled'],
    efforts: ['low', 'medium', 'high'],
    most: K64,
    prefill: true,
  },
  'claude-sonnet-4-5': { accepts: ['enabled', 'disabled'], efforts: [], most: K64, prefill: true },
  'claude-haiku-4-5': { accepts: ['enabled', 'disabled'], efforts: [], most: K64, prefill: true },
};

/** GA fields of the request's body; any other is "Extra inputs are not permitted". */
const FIELDS = new Set([
  'model',
  'max_tokens',
  'messages',
  'system',
  'stream',
  'metadata',
  'thinking',
  'output_config',
  'cache_control',
  'stop_sequences',
  'tools',
  'tool_choice',
  'service_tier',
  'speed',
  'inference_geo',
  'container',
  'diagnostics',
]);

export interface RequestBody {
  readonly model: string;
  readonly max_tokens: number;
  readonly system?: unknown;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  readonly thinking?: {
    readonly type: string;
    readonly display?: string;
    readonly budget_tokens?: number;
  };
  readonly output_config?: { readonly effort?: string | undefined };
}

/** Why the API would answer 400; none for a request that it takes. */
export function violations(body: RequestBody): string[] {
  const rule = API_RULES[body.model];
  if (rule === undefined) return [`model ${body.model}: not found`];
  const { max_tokens: maxTokens, messages } = body;
  return [
    ...Object.keys(body)
      .filter((name) => !FIELDS.has(name))
      .map((name) => `${name}: extra input`),
    ...(Number.isInteger(maxTokens) && maxTokens >= 1 && maxTokens <= rule.most ? [] : ['max_tokens']),
    ...(messages.at(-1)?.role === 'assistant' && !rule.prefill ? ['prefill'] : []),
    ...thinkingViolations(body, rule),
    ...effortViolations(body, rule),
    ...cacheViolations(body),
  ];
}

interface Block {
  readonly type: string;
  readonly text?: string;
  readonly cache_control?: { readonly type: string; readonly ttl?: string };
}

/** The blocks of a request in the order in which the API caches them. */
export function blocksOf({ system, messages }: Pick<RequestBody, 'system' | 'messages'>): Block[] {
  return [system, ...messages.map(({ content }) => content)].flatMap((content): Block[] => {
    if (content === undefined) return [];
    return typeof content === 'string' ? [{ type: 'text', text: content }] : (content as Block[]);
  });
}

function cacheViolations(body: RequestBody): string[] {
  const marked = blocksOf(body).filter(({ cache_control: mark }) => mark !== undefined);
  const ttls = marked.map(({ cache_control: mark }) => mark?.ttl ?? '5m');
  return [
    ...(marked.length > 4 ? ['more than 4 breakpoints'] : []),
    ...(marked.some(({ cache_control: mark }) => mark?.type !== 'ephemeral') ? ['cache_control.type'] : []),
    ...(ttls.every((ttl) => ttl === '5m' || ttl === '1h') ? [] : ['cache_control.ttl']),
    ...(ttls.lastIndexOf('1h') > ttls.indexOf('5m') && ttls.includes('5m') ? ['1h after 5m'] : []),
    ...(marked.some(({ type, text }) => type === 'text' && text?.trim() === '') ? ['empty text marked'] : []),
  ];
}

function thinkingViolations({ thinking, max_tokens: maxTokens }: RequestBody, rule: Rule): string[] {
  if (thinking === undefined) return [];
  const { type, budget_tokens: budget, ...others } = thinking;
  const found: string[] = [];
  if (!rule.accepts.some((accepted) => accepted === type)) found.push(`thinking.type ${type}`);
  if ((type === 'disabled' || type === 'between_tools') && Object.keys(others).length > 0)
    found.push(`thinking ${type} beside ${Object.keys(others).join()}`);
  if (type === 'enabled' && !(budget !== undefined && budget >= 1024 && budget < maxTokens))
    found.push('budget_tokens');
  if (type !== 'enabled' && budget !== undefined) found.push('budget_tokens without enabled');
  return found;
}

function effortViolations({ thinking, output_config: config }: RequestBody, rule: Rule): string[] {
  const effort = config?.effort;
  if (effort === undefined) return [];
  if (!rule.efforts.includes(effort)) return [`effort ${effort}`];
  const type = thinking?.type as Type | undefined;
  const barred = type === undefined ? [] : (rule.notWith?.[type] ?? []);
  return barred.includes(effort) ? [`effort ${effort} with ${type}`] : [];
}
