/**
 * What clients may send, as schemas: those by which frames and bodies are parsed. The contract is generated from the same.
 * Lists and what is nested in them are walked by hand (`parse-client-frame.ts`), an entry at a time, each by its own schema.
 */
import * as z from 'zod';

export const MAX_MESSAGES = 500;
/** Of all messages together. */
export const MAX_BLOCKS = 1000;
/** Of all messages together: what they come to is sent to the model in one request. */
export const MAX_UPLOADS = 20;

export const streamId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, '1 to 64 of A-Z, a-z, 0-9, _ and -');
export const epoch = z.string().regex(/^[A-Za-z0-9_-]{8,32}$/, 'the epoch of `accepted` or `resumed`');
const seq = z.number().int().nonnegative();

export const message = z.strictObject({ role: z.enum(['user', 'assistant']), content: z.unknown() });

/** `messages`, `context` and `parameters` are walked by hand. */
export const requestShape = {
  action: z.string().min(1).max(64),
  messages: z.array(z.unknown()).min(1).max(MAX_MESSAGES),
  context: z.unknown().optional(),
  parameters: z.unknown().optional(),
  model: z.string().min(1).max(256).optional(),
  maxTokens: z.number().int().positive().optional(),
  events: z.enum(['text', 'all']).optional(),
  onDisconnect: z.enum(['resume', 'cancel']).optional(),
  notify: z.literal('absent').optional(),
};

export const clientFrames = {
  start: z.strictObject({
    type: z.literal('start'),
    id: streamId,
    fresh: z.literal(true).optional(),
    ...requestShape,
  }),
  cancel: z.strictObject({ type: z.literal('cancel'), id: streamId }),
  resume: z
    .strictObject({ type: z.literal('resume'), id: streamId, epoch: epoch.optional(), after: seq })
    .refine(({ epoch: named, after }) => named !== undefined || after === 0, {
      path: ['after'],
      message: '0 where no epoch is named',
    }),
  ack: z.strictObject({ type: z.literal('ack'), id: streamId, seq }),
  auth: z.strictObject({ type: z.literal('auth'), token: z.string().min(1) }),
  watch: z.strictObject({ type: z.literal('watch') }),
  ping: z.strictObject({
    type: z.literal('ping'),
    t: z.union([z.number(), z.string().max(64)], 'a number or a short string').optional(),
  }),
} as const;

/** The body of `POST /v1/chat`. */
export const httpRequest = z.strictObject({ id: streamId.optional(), ...requestShape });

export const textBlock = z.strictObject({ type: z.literal('text'), text: z.string().min(1) });
export const imageBlock = z.strictObject({
  type: z.literal('image'),
  source: z.strictObject({
    type: z.literal('base64'),
    media_type: z.enum(['image/jpeg', 'image/png', 'image/gif', 'image/webp']),
    data: z.string().refine(isBase64, 'not base64'),
  }),
});
export const uploadedBlock = z.strictObject({
  type: z.enum(['image', 'document']),
  source: z.strictObject({ type: z.literal('upload'), id: streamId }),
});

/** As the API wants it: padded, of the standard alphabet, without line breaks. */
function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}
