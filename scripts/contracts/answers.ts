/** Bodies of HTTP answers as schemas. Where the code has a type of one, the schema is checked against it. */
import * as z from 'zod';
import { streamId } from '../../src/protocol/client-frame-schemas.ts';
import type { StreamPage, Upload } from '../../src/protocol/frames.ts';
import type { RefusalReason } from '../../src/protocol/refusal-reason.ts';
import type { QuotaFigures } from '../../src/protocol/relay-error.ts';
import type { QuotaReport } from '../../src/quota/port.ts';
import type { WorkerState } from '../../src/workers/messages.ts';
import { agreed } from './agreed.ts';
import {
  count,
  errorCode,
  listedStream,
  ms,
  positive,
  quotaState,
  refusal,
  SERVER_FRAMES,
  text,
  time,
  timing,
  usage,
} from './server-frames.ts';

/** What `POST /v1/chat` answers at the ending. */
export const wholeAnswer = z.strictObject({
  id: streamId,
  content: z.string(),
  stopReason: text.nullable(),
  refusal: refusal.exactOptional(),
  model: text.exactOptional(),
  usage,
  timing,
});

export const streamState = SERVER_FRAMES.resumed.omit({ type: true, after: true, model: true });

export const streamPage = agreed<StreamPage>()(
  z.strictObject({ streams: z.array(listedStream), next: text.nullable() }),
);

export const session = z.strictObject({
  userId: text,
  tier: text.nullable(),
  organizationId: text.nullable(),
  anonymous: z.boolean(),
  expiresAt: time,
});

export const usageReport = agreed<QuotaReport>()(
  z.strictObject({
    plan: text,
    quotas: z.array(
      z.strictObject({
        of: quotaState.shape.of,
        scope: quotaState.shape.scope,
        action: text.exactOptional(),
        period: quotaState.shape.period,
        used: count,
        reserved: count,
        limit: count.nullable(),
        resetsAt: time,
      }),
    ),
  }),
);

const required = z.boolean();
const parameter = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('enum'),
    required,
    default: z.string().exactOptional(),
    values: z.array(z.string()),
  }),
  z.strictObject({
    type: z.literal('string'),
    required,
    default: z.string().exactOptional(),
    maxLength: positive,
    characters: z.array(z.string()),
  }),
  z.strictObject({
    type: z.literal('integer'),
    required,
    default: z.number().int().exactOptional(),
    min: z.number().int(),
    max: z.number().int(),
  }),
  z.strictObject({ type: z.literal('boolean'), required, default: z.boolean().exactOptional() }),
]);
export const actionList = z.strictObject({
  actions: z.record(z.string(), z.strictObject({ parameters: z.record(z.string(), parameter) })),
});

const place = z.enum(['environment', 'fleet', 'file']);
export const transportConfig = SERVER_FRAMES.config
  .omit({ type: true })
  .extend({ uploads: z.boolean(), from: z.strictObject({ transport: place, enabled: place }) });

export const upload = agreed<Upload>()(
  z.strictObject({
    id: streamId,
    mediaType: z.enum(['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'application/pdf']),
    bytes: positive,
    width: positive.exactOptional(),
    height: positive.exactOptional(),
    pages: positive.exactOptional(),
    expiresAt: time,
  }),
);

const reason = agreed<RefusalReason>()(
  z.enum([
    'origin',
    'switched_off',
    'animated',
    'damaged',
    'encrypted',
    'heic',
    'pages',
    'pdf',
    'sides',
    'svg',
  ]),
);
const figures = { used: count, limit: count, resetsAt: time };
const quotaFigures = agreed<QuotaFigures>()(
  z.strictObject({
    used: figures.used.exactOptional(),
    limit: figures.limit.exactOptional(),
    resetsAt: figures.resetsAt,
  }),
);
const refusalFields = z.strictObject({
  code: errorCode,
  message: text,
  retryable: z.boolean(),
  requestId: text.exactOptional(),
  reason: reason.exactOptional(),
  ...quotaFigures.partial().shape,
});
/** Every error of the relay's own routes. */
export const errorBody = z.strictObject({ error: refusalFields });
/** With the text there was, where a run ended as an error. */
export const chatErrorBody = errorBody.extend({ content: z.string().exactOptional() });

export const liveness = z.strictObject({ status: z.literal('ok') });
const workerState = agreed<WorkerState>()(
  z.enum(['starting', 'restarting', 'ready', 'draining', 'overloaded', 'upstream_account', 'unresponsive']),
);
const placed = <Value extends z.ZodType>(value: Value) => z.strictObject({ value, from: place });
export const readiness = z.strictObject({
  status: workerState,
  overload: z.enum(['memory', 'event_loop']).exactOptional(),
  dependencies: z.record(z.string(), z.enum(['up', 'down'])).exactOptional(),
  models: z.array(z.looseObject({ model: text, state: text })).exactOptional(),
  switches: z
    .strictObject({
      relayEnabled: placed(z.boolean()),
      streamingEnabled: placed(z.boolean()),
      websocketPercent: placed(z.number()),
    })
    .exactOptional(),
  workers: z.record(z.string(), workerState).exactOptional(),
});

/** What `ai-gateway` answered. */
export const gatewayAnswer = z.strictObject({
  content: z.string(),
  usage: z.strictObject({
    input_tokens: count,
    output_tokens: count,
    cache_read_input_tokens: count,
    cache_creation_input_tokens: count,
  }),
  cost: ms.nullable(),
  stop_reason: text.nullable(),
  model: text.exactOptional(),
});

/** What `ai-proxy` answered. */
export const proxyAnswer = z.strictObject({
  success: z.literal(true),
  content: z.string(),
  usage: z.strictObject({ tokens_in: count, tokens_out: count, cost: ms.exactOptional() }),
  model: text.exactOptional(),
  generated_images: z.array(z.unknown()),
  tool_results: z.array(z.unknown()),
  pending_tool_calls: z.array(z.unknown()),
  stop_reason: text.nullable(),
});

/** Of both functions, asked for `{"action":"health"}`. */
export const functionHealth = z.strictObject({
  status: z.enum(['ok', 'starting', 'draining', 'overloaded', 'upstream_account']),
  timestamp: text,
  hasApiKey: z.boolean(),
});

const oldError = { error: text, message: text, tier: text.nullable().exactOptional() };
export const gatewayError = z.strictObject({
  ...oldError,
  available_model: text.exactOptional(),
  used: figures.used.exactOptional(),
  limit: figures.limit.exactOptional(),
  resetsAt: figures.resetsAt.exactOptional(),
});
export const proxyError = z.strictObject({
  ...oldError,
  error_code: z.enum(['quota_exceeded', 'provider_rate_limited', 'provider_unavailable', 'invalid_request']),
  retryable: z.boolean(),
  retry_after_seconds: count.exactOptional(),
  available_model: text.exactOptional(),
  details: z
    .strictObject({
      allowed: z.literal(false),
      usage_count: count.exactOptional(),
      limit: count.exactOptional(),
      tier: text.nullable(),
      resets_at: text,
    })
    .exactOptional(),
});

/** What `POST /dev/token` answers. */
export const developmentToken = z.strictObject({
  access_token: text,
  token_type: z.literal('bearer'),
  expires_in: positive,
  simulated: z.boolean(),
});
