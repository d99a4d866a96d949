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

/** A JPEG of that many pixels whose note says that it stands upright. */
export async function sidewaysPhoto(page: Page, size: Size): Promise<Buffer> {
  const jpeg = Buffer.from(await page.evaluate<string>(`(${DRAW})(${JSON.stringify(size)})`), 'latin1');
  return Buffer.concat([jpeg.subarray(0, 2), TURNED, jpeg.subarray(2)]);
}
