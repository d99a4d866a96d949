/** Images as the old functions took them: base64 with or without `data:`, of a type that the caller often guessed. */
import type { ImageBlock, ImageMediaType } from '../protocol/frames.ts';
import { RelayError } from '../protocol/relay-error.ts';
import { type Fields, fieldsOf, textIn, valueIn } from './fields.ts';

/** How base64 of each type begins. */
const BEGINNINGS: readonly (readonly [RegExp, ImageMediaType])[] = [
  [/^\/9j\//, 'image/jpeg'],
  [/^iVBORw0KGgo/, 'image/png'],
  [/^R0lGOD/, 'image/gif'],
  [/^UklGR.{6}XRUJQ/, 'image/webp'], // RIFF, four bytes of length, WEBP
];

/** @throws RelayError bad_request, unsupported */
export function imagesIn(fields: Fields): readonly ImageBlock[] {
  const single = textIn(fields, 'image_base64', 'image_data');
  const several = valueIn(fields, 'images') ?? [];
  if (!Array.isArray(several)) throw new RelayError('bad_request', 'images: a list');
  return [...(single === undefined ? [] : [single]), ...several.map(dataOf)].map(imageOf);
}

/** @param data base64, or a data URL */
export function imageOf(data: string): ImageBlock {
  // Android's encoder breaks its lines, and not every encoder pads.
  const bare = data.replace(/^data:[^,]{0,100},/, '').replaceAll(/\s/g, '');
  const media_type = BEGINNINGS.find(([beginning]) => beginning.test(bare.slice(0, 24)))?.[1];
  if (media_type === undefined)
    throw new RelayError('unsupported', 'images: only JPEG, PNG, GIF and WebP in base64 are served');
  return { type: 'image', source: { type: 'base64', media_type, data: padded(bare) } };
}

/** `{data, media_type}`, or the data alone. */
function dataOf(image: unknown): string {
  if (typeof image === 'string') return image;
  const data = textIn(fieldsOf(image, 'images'), 'data', 'image_base64', 'base64');
  if (data === undefined) throw new RelayError('bad_request', 'images: each has its base64 in `data`');
  return data;
}

function padded(data: string): string {
  return data.padEnd(Math.ceil(data.length / 4) * 4, '=');
}
