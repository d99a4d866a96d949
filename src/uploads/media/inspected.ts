/** What became of the bytes of a file, and the words by which one is refused. */
import type { Upload } from '../../protocol/frames.ts';
import type { UploadFault } from '../../protocol/refusal-reason.ts';
import { RelayError } from '../../protocol/relay-error.ts';

/** Of a picture, pixels. */
export interface Sides {
  readonly width: number;
  readonly height: number;
}

/** A file as it is kept. */
export interface Inspected extends Pick<Upload, 'mediaType' | 'width' | 'height' | 'pages'> {
  /** Of an image: without what was written beside the picture. */
  readonly content: Buffer;
}

/** No built format has as many parts in a file of this size: each costs time. */
export const MAX_PARTS = 20_000;

/** @param what of the file is not as its format says, for developers */
export function damaged(what: string): RelayError {
  return fault('bad_request', 'damaged', `the file is damaged: ${what}; save or scan it anew and send that`);
}

export function animated(): RelayError {
  return fault('unsupported', 'animated', 'the picture moves; send a still one');
}

/** @param sentence which says what to do */
export function fault(
  code: 'bad_request' | 'unsupported' | 'too_large',
  reason: UploadFault,
  sentence: string,
): RelayError {
  return new RelayError(code, sentence, { reason, cause: reason });
}
