/** Photos as cameras of phones write them: pixels as the sensor lies, and a note of how the phone was held. */
import type { Page } from 'playwright-core';

export interface Size {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

/** Lines and blots, so that it does not compress to nothing; drawn by the browser, which has a JPEG encoder. */
const DRAW = `async ({ width, height }) => {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  context.fillStyle = '#f4f1e8';
  context.fillRect(0, 0, width, height);
  for (let at = 0; at < 4000; at += 1) {
    context.fillStyle = 'hsl(' + (at * 47) % 360 + ' 60% 40%)';
    context.fillRect((at * 7919) % width, (at * 104729) % height, 8 + (at % 60), 4 + (at % 9));
  }
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.92 });
  return Array.from(new Uint8Array(await blob.arrayBuffer()), (byte) => String.fromCharCode(byte)).join('');
}`;
/** APP1: little-endian TIFF with one entry, orientation 6: turn it by a quarter, clockwise. */
const TURNED = Buffer.from(
  'ffe10022457869660000' + '49492a0008000000' + '0100' + '1201030001000000' + '06000000' + '00000000',
  'hex',
);
const START_OF_FRAME = [0xc0, 0xc1, 0xc2];

/** A JPEG of that many pixels whose note says that it stands upright. */
export async function sidewaysPhoto(page: Page, size: Size): Promise<Buffer> {
  const jpeg = Buffer.from(await page.evaluate<string>(`(${DRAW})(${JSON.stringify(size)})`), 'latin1');
  return Buffer.concat([jpeg.subarray(0, 2), TURNED, jpeg.subarray(2)]);
}

/** Of a JPEG without a note. @throws Error where it is none */
export function uprightSize(jpeg: Buffer): Size {
  let at = 2;
  while (at + 9 < jpeg.length) {
    if (START_OF_FRAME.includes(jpeg.readUInt8(at + 1)))
      return { height: jpeg.readUInt16BE(at + 5), width: jpeg.readUInt16BE(at + 7) };
    at += 2 + jpeg.readUInt16BE(at + 2);
  }
  throw new Error('no JPEG');
}
