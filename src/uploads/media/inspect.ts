/**
 * Bytes of a stranger in, a file that the model's API takes out, or a sentence of why not. Heads and parts are read, no picture
 * is ever decoded: however large one says it is, it costs what its bytes cost.
 */
import type { Upload } from '../../protocol/frames.ts';
import { inspectGif } from './gif.ts';
import { damaged, fault, type Inspected } from './inspected.ts';
import { inspectJpeg } from './jpeg.ts';
import { inspectPdf } from './pdf.ts';
import { inspectPng } from './png.ts';
import { inspectWebp } from './webp.ts';

export interface MediaLimits {
  /** The longest side of an image, pixels. */
  readonly side: number;
  /** Of a PDF. */
  readonly pages: number;
}

/**
 * @param kind by `kindOf`
 * @throws RelayError bad_request, unsupported, too_large, with a reason and what to do
 */
export async function inspect(
  file: Buffer,
  kind: Upload['mediaType'],
  limits: MediaLimits,
): Promise<Inspected> {
  if (kind === 'application/pdf') return await inspectPdf(file, limits.pages);
  const inspected = IMAGES[kind](file);
  const { width = 0, height = 0 } = inspected;
  if (width === 0 || height === 0) throw damaged('it has a side of no length');
  if (width > limits.side || height > limits.side)
    throw fault(
      'too_large',
      'sides',
      `the picture is too large; scale it to ${limits.side} pixels a side and send that`,
    );
  return inspected;
}

const IMAGES = {
  'image/jpeg': inspectJpeg,
  'image/png': inspectPng,
  'image/gif': inspectGif,
  'image/webp': inspectWebp,
} as const;
