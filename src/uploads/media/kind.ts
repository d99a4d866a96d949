/** What a file is, by its first bytes: whatever its name or its request says. */
import type { Upload } from '../../protocol/frames.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import { fault } from './inspected.ts';

/** So many first bytes tell; a file may have fewer. */
export const KIND_BYTES = 256;

const SIGNATURES: readonly (readonly [Upload['mediaType'], RegExp])[] = [
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/png', /^\x89PNG\r\n.\n/],
  ['image/gif', /^GIF8[79]a/],
  ['image/webp', /^RIFF[\s\S]{4}WEBP/],
  ['application/pdf', /^%PDF-[12]\.\d/],
];
const HEIC = /^[\s\S]{4}ftyp(?:hei[cxms]|hev[cx]|mif1|msf1|avi[fs])/;
const SVG = /^(?:\xef\xbb\xbf)?\s*(?:<\?xml|<!--|<!DOCTYPE svg|<svg)[\s\S]*?(?:<svg|$)/i;

/** @throws RelayError unsupported, with what to do */
export function kindOf(head: Buffer, takesDocuments: boolean): Upload['mediaType'] {
  const text = head.toString('latin1', 0, KIND_BYTES);
  const [kind] = SIGNATURES.find(([, signature]) => signature.test(text)) ?? [];
  if (kind === undefined) throw unknownKind(text);
  if (kind === 'application/pdf' && !takesDocuments)
    throw fault('unsupported', 'pdf', 'no PDF is taken here; send a photo of the page');
  return kind;
}

function unknownKind(text: string): RelayError {
  if (HEIC.test(text))
    return fault('unsupported', 'heic', 'a HEIC or AVIF photo is not taken; send it as JPEG');
  if (SVG.test(text))
    return fault('unsupported', 'svg', 'a drawing (SVG) is not taken; send a picture of it as PNG');
  const sentence = 'this is no picture that is taken here; send JPEG, PNG, WebP or GIF';
  return new RelayError('unsupported', sentence, { cause: 'no_image' });
}
