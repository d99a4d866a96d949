/** The body of an upload: read as it comes, into the room that it announced, and no further than it is a file that is taken. */
import type { IncomingMessage } from 'node:http';
import type { Upload } from '../../protocol/frames.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import type { Clock, Timer } from '../../time/clock.ts';
import { KIND_BYTES, kindOf } from '../../uploads/media/kind.ts';

/** How long a body may be silent, ms: a phone in a classroom may lose its network for a while. */
const SILENCE_MS = 15_000;

interface ReadUpload {
  readonly content: Buffer;
  readonly kind: Upload['mediaType'];
}

/**
 * What is refused is read no further here: the server drops the rest as it comes, so that the answer arrives.
 * @param request with a `content-length`, which the server holds it to
 * @throws RelayError unsupported, as soon as the first bytes say so; request_timeout; bad_request where it was cut
 */
export function readUpload(
  request: IncomingMessage,
  takesDocuments: boolean,
  clock: Clock,
): Promise<ReadUpload> {
  const { promise, resolve, reject } = Promise.withResolvers<ReadUpload>();
  const content = Buffer.allocUnsafe(Number(request.headers['content-length']));
  let kind: Upload['mediaType'] | undefined;
  let bytes = 0;
  let silence: Timer | undefined;
  const listen = (): void => {
    silence?.cancel();
    silence = clock.after(SILENCE_MS, () =>
      fail(new RelayError('request_timeout', 'the file stopped coming')),
    );
  };
  const leave = (): void => {
    silence?.cancel();
    request.off('data', onData).off('end', onEnd).off('error', onCut).off('close', onCut);
  };
  const fail = (error: unknown): void => {
    leave();
    reject(error);
  };
  const onData = (part: Buffer): void => {
    listen();
    part.copy(content, bytes);
    bytes += part.length;
    if (kind !== undefined || bytes < KIND_BYTES) return;
    try {
      kind = kindOf(content, takesDocuments);
    } catch (refusal) {
      fail(refusal);
    }
  };
  const onEnd = (): void => {
    leave();
    try {
      resolve({ content, kind: kind ?? kindOf(content.subarray(0, bytes), takesDocuments) });
    } catch (refusal) {
      reject(refusal);
    }
  };
  const onCut = (): void => fail(new RelayError('bad_request', 'the file was cut on its way'));
  request.on('data', onData).on('end', onEnd).on('error', onCut).on('close', onCut);
  listen();
  return promise;
}
