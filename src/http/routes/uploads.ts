/** `POST /v1/uploads` and the deleting of what it took. PROTOCOL.md has their shapes; what is taken, `uploads/` decides. */
import type { FastifyRequest, RouteHandlerMethod } from 'fastify';
import type { Principal } from '../../auth/port.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import { switchedOff } from '../../run/refusals.ts';
import type { Clock } from '../../time/clock.ts';
import type { Uploads } from '../../uploads/uploads.ts';
import { principalOf } from '../admission/request-guard.ts';
import { readUpload } from './upload-body.ts';

export interface UploadRouteParts {
  readonly uploads: Pick<Uploads, 'add' | 'remove' | 'removeAll'>;
  /** Of one file. */
  readonly maxBytes: number;
  /** Whether any action takes PDFs of this user. */
  readonly takesDocuments: (principal: Principal) => boolean;
  /** The operator's kill switch, at this moment. */
  readonly isEnabled: () => boolean;
  /** Whether this process will end soon: who sends a file has it to ask about. */
  readonly isDraining: () => boolean;
  readonly clock: Clock;
}

/** Of bodies that are a file: what they are, their bytes say. */
const CONTENT_TYPE = /^(?:image\/[\w.+-]+|application\/(?:pdf|octet-stream))(?:;|$)/i;
const KEY = /^[A-Za-z0-9_-]{16,64}$/;

export function uploadHandlers(parts: UploadRouteParts) {
  const { uploads, maxBytes, takesDocuments, isEnabled, isDraining, clock } = parts;
  /** Before the body is read. */
  const check = async ({ raw: { headers } }: FastifyRequest): Promise<void> => {
    if (!isEnabled()) throw switchedOff();
    if (isDraining())
      throw new RelayError('shutting_down', 'this machine is shutting down; send the file again');
    if (!CONTENT_TYPE.test(headers['content-type'] ?? ''))
      throw new RelayError('unsupported', 'the body is one file: image/… or application/pdf, as it is');
    const { 'content-length': length, 'idempotency-key': key } = headers;
    if (length === undefined) throw new RelayError('bad_request', 'a file comes with its Content-Length');
    if (Number(length) > maxBytes)
      throw new RelayError('too_large', `the file is too large; send at most ${maxBytes} bytes`);
    if (key !== undefined && !KEY.test(String(key)))
      throw new RelayError('bad_request', 'Idempotency-Key: 16 to 64 of A-Z, a-z, 0-9, _ and -');
  };

  const add: RouteHandlerMethod = async (request, reply) => {
    const principal = principalOf(request);
    const file = await readUpload(request.raw, takesDocuments(principal), clock);
    const { 'idempotency-key': key } = request.headers;
    return reply.code(201).send(await uploads.add(principal, { ...file, key: key?.toString() }));
  };

  const remove: RouteHandlerMethod = async (request, reply) => {
    await uploads.remove(principalOf(request).userId, idIn(request));
    return reply.code(204).send();
  };

  const removeAll: RouteHandlerMethod = async (request, reply) => {
    await uploads.removeAll(principalOf(request).userId);
    return reply.code(204).send();
  };

  return { check, add, remove, removeAll };
}

function idIn({ params }: FastifyRequest): string {
  return (params as { readonly id: string }).id;
}
