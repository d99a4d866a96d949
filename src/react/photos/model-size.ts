/** As large as models see a photo: what is sent beyond that costs time and bytes, and shows nothing more. */

/** Pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** On the long edge, pixels. */
const LONGEST = 2576;
/** A model sees a photo in tiles of that many pixels each way, and so many of them at most. */
const TILE = 28;
const MOST_TILES = 4784;

/** The largest size of these proportions that a model sees whole; never larger than it is. */
export function modelSize({ width, height }: Size): Size {
  let scale = Math.min(1, LONGEST / Math.max(width, height));
  const scaled = (): Size => ({
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  });
  while (tilesOf(scaled()) > MOST_TILES) scale *= 0.995;
  return scaled();
}

function tilesOf({ width, height }: Size): number {
  return Math.ceil(width / TILE) * Math.ceil(height / TILE);
}
