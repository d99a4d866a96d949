/** Small real files of each kind, 16 by 12 pixels, and ways to spoil them. */
import { crc32, deflateSync } from 'node:zlib';

const base64 = (text: string): Buffer => Buffer.from(text, 'base64');

export const JPEG = base64(
  '/9j/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYXUlkkYCZlo+AjIqgtObDoKrarYqMyP/L2u71////m8H////6/+b9//j/2wBDASstLTw1PHZBQXb4pYyl+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj/wAARCAAMABADASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAH/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFAEBAAAAAAAAAAAAAAAAAAAABP/EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAMAwEAAhEDEQA/AKAKS//Z',
);
export const WEBP = base64('UklGRi4AAABXRUJQVlA4ICIAAABwAQCdASoQAAwADMDOJaACdAFAAADabLM4V19Blts8gAAA');
export const LOSSLESS_WEBP = base64('UklGRh4AAABXRUJQVlA4TBEAAAAvD8ACAAdQvCIXpf+BiOh/AAA=');
export const ALPHA_WEBP = base64(
  'UklGRlIAAABXRUJQVlA4WAoAAAAQAAAADwAACwAAQUxQSAoAAAABB1DAiAhERP8DVlA4ICIAAABwAQCdASoQAAwADMDOJaACdAFAAADabLM4V19Blts8gAAA',
);
export const GIF = base64('R0lGODlhEAAMAIAAAExpcch4KCH5BAUAAAAALAAAAAAQAAwAAAIMjI+py+0Po5y02msKADs=');

/** What nobody but the camera's owner is to know. */
export const SECRET = 'Thandi Dlamini, 26.2041 S 28.0473 E';

/** EXIF with an orientation, and a place. @param order of its bytes */
export function exif(orientation: number, order: 'II' | 'MM' = 'II'): Buffer {
  const tiff = Buffer.alloc(26 + SECRET.length);
  const short = (value: number, at: number) =>
    order === 'II' ? tiff.writeUInt16LE(value, at) : tiff.writeUInt16BE(value, at);
  const long = (value: number, at: number) =>
    order === 'II' ? tiff.writeUInt32LE(value, at) : tiff.writeUInt32BE(value, at);
  tiff.write(order, 'latin1');
  short(42, 2);
  long(8, 4);
  short(1, 8);
  short(0x0112, 10);
  short(3, 12);
  long(1, 14);
  short(orientation, 18);
  tiff.write(SECRET, 26, 'latin1');
  return tiff;
}

/** A segment of a JPEG. */
export function segment(marker: number, payload: Buffer | string): Buffer {
  const body = Buffer.from(payload as string, 'latin1');
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/** The JPEG with segments behind its beginning. */
export function jpegWith(...segments: Buffer[]): Buffer {
  return Buffer.concat([JPEG.subarray(0, 2), ...segments, JPEG.subarray(2)]);
}

export function exifSegment(orientation: number, order?: 'II' | 'MM'): Buffer {
  return segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), exif(orientation, order)]));
}

export function chunk(type: string, data: Buffer | string = ''): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), Buffer.from(data as string, 'latin1')]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(named.length - 4);
  checksum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, checksum]);
}

const PNG_SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

export function pngHead(width: number, height: number, rest = [8, 2, 0, 0, 0]): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set(rest, 8);
  return chunk('IHDR', data);
}

const PIXELS = chunk('IDAT', deflateSync(Buffer.alloc(12 * (1 + 3 * 16), 90)));

/** @param chunks between its head and its pixels */
export function png(chunks: readonly Buffer[] = [], head = pngHead(16, 12)): Buffer {
  return Buffer.concat([PNG_SIGNATURE, head, ...chunks, PIXELS, chunk('IEND')]);
}

export function riff(...chunks: (readonly [type: string, data: Buffer])[]): Buffer {
  const body = Buffer.concat(
    chunks.flatMap(([type, data]) => {
      const head = Buffer.alloc(8);
      head.write(type, 'latin1');
      head.writeUInt32LE(data.length, 4);
      return [head, data, Buffer.alloc(data.length % 2)];
    }),
  );
  const head = Buffer.alloc(12);
  head.write('RIFF', 'latin1');
  head.writeUInt32LE(4 + body.length, 4);
  head.write('WEBP', 8, 'latin1');
  return Buffer.concat([head, body]);
}

export const VP8 = WEBP.subarray(20);

export function canvas(flags: number, width: number, height: number): readonly ['VP8X', Buffer] {
  const data = Buffer.alloc(10);
  data[0] = flags;
  data.writeUIntLE(width - 1, 4, 3);
  data.writeUIntLE(height - 1, 7, 3);
  return ['VP8X', data];
}

/** A PDF of that many pages. @param compressed its objects lie in a stream, as most programs write them today */
export function pdf(pages: number, { compressed = false, trailer = '' } = {}): Buffer {
  const kids = Array.from({ length: pages }, (_, index) => 3 + index);
  const objects: [number, string][] = [
    [1, '<< /Type /Catalog /Pages 2 0 R >>'],
    [2, `<< /Type /Pages /Count 1 /Kids [ ${kids.map((kid) => `${kid} 0 R`).join(' ')} ] >>`],
    ...kids.map((kid): [number, string] => [kid, '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>']),
  ];
  const body = compressed
    ? objectStream(objects, 900)
    : objects.map(([number, text]) => `${number} 0 obj\n${text}\nendobj\n`).join('');
  return Buffer.from(`%PDF-1.7\n${body}trailer\n<< /Root 1 0 R ${trailer} >>\n%%EOF\n`, 'latin1');
}

function objectStream(objects: readonly (readonly [number, string])[], number: number): string {
  let offset = 0;
  const pairs = objects.map(([own, text]) => {
    const pair = `${own} ${offset}`;
    offset += text.length + 1;
    return pair;
  });
  const head = `${pairs.join(' ')} `;
  const data = deflateSync(head + objects.map(([, text]) => text).join(' ')).toString('latin1');
  const dictionary = `/Type /ObjStm /N ${objects.length} /First ${head.length} /Filter /FlateDecode`;
  return `${number} 0 obj\n<< ${dictionary} /Length ${data.length} >>\nstream\n${data}\nendstream\nendobj\n`;
}

/** A stream that says it holds objects, and comes to 64 MB. */
export function pdfBomb(): Buffer {
  const data = deflateSync(Buffer.alloc(64 * 1024 * 1024, ' ')).toString('latin1');
  const stream = `<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode >>\nstream\n${data}\nendstream`;
  return Buffer.from(`%PDF-1.7\n9 0 obj\n${stream}\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n`, 'latin1');
}
