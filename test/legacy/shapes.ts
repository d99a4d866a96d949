/** The shapes of the old functions' answers, field by field, and a reader of their events as the app had it. */
export type Shape = { readonly [field: string]: string | Shape };

/** A type, or several; `?` behind it: an old caller does without. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  gateway: {
    content: 'string',
    usage: { input_tokens: 'number', output_tokens: 'number' },
    cost: 'number|null',
    stop_reason: 'string|null',
  },
  'gateway error': { error: 'string', message: 'string' },
  'gateway model error': {
    error: 'string',
    message: 'string',
    tier: 'string|null',
    available_model: 'string',
  },
  'gateway quota error': { error: 'string', message: 'string', used: 'number', limit: 'number' },
  proxy: {
    success: 'boolean',
    content: 'string',
    usage: { tokens_in: 'number', tokens_out: 'number' },
    model: 'string',
    generated_images: 'array',
    tool_results: 'array',
    pending_tool_calls: 'array',
  },
  'proxy error': { error: 'string', error_code: 'string', message: 'string', retryable: 'boolean' },
  'proxy model error': {
    error: 'string',
    error_code: 'string',
    message: 'string',
    retryable: 'boolean',
    tier: 'string|null',
    available_model: 'string',
  },
  'proxy quota error': {
    error: 'string',
    error_code: 'string',
    message: 'string',
    retryable: 'boolean',
    details: { usage_count: 'number', limit: 'number', tier: 'string|null' },
  },
  health: { status: 'string', timestamp: 'string', hasApiKey: 'boolean' },
};

/** Each field of the shape that the answer lacks, or has as another type. */
export function differences(shape: Shape, answer: unknown, path = ''): string[] {
  const fields = typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : {};
  return Object.entries(shape).flatMap(([field, type]) => {
    const value = fields[field];
    if (typeof type !== 'string') return differences(type, value, `${path}${field}.`);
    return type.split('|').includes(typeOf(value)) ? [] : [`${path}${field}: ${typeOf(value)}, not ${type}`];
  });
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

export interface OldReading {
  readonly text: string;
  /** `type` of each event in turn, `[DONE]` among them. */
  readonly types: readonly string[];
  readonly final: unknown;
}

/** As the app read streams: `getReader`, split at empty lines, `data: `, JSON, until `[DONE]`. */
export async function readAsTheAppDid(body: ReadableStream<Uint8Array>): Promise<OldReading> {
  const reader = body.getReader();
  const decoder = new TextDecoder('utf-8');
  const types: string[] = [];
  let [buffer, text]: [string, string] = ['', ''];
  let final: unknown;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text, types, final };
    buffer += decoder.decode(value, { stream: true });
    const parts = buffer.split('\n\n');
    buffer = parts.pop() ?? '';
    for (const part of parts) {
      const line = part.trim();
      if (!line.startsWith('data: ')) continue;
      const payload = line.slice(6).trim();
      if (payload === '[DONE]') {
        types.push(payload);
        continue;
      }
      const event = JSON.parse(payload) as { type: string; text?: string; delta?: { text: string } };
      types.push(event.type);
      text += event.text ?? event.delta?.text ?? '';
      if (event.type === 'final') final = event;
    }
  }
}
