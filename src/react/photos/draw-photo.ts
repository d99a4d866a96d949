/**
 * Draws a photo in its size for the model and saves it as JPEG: upright, on white where it is transparent, without
 * what the camera wrote beside it.
 */

/** How a photo is drawn, all that a worker has to know. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  /** Of JPEG, from 0 to 1: the first that keeps to `mostBytes`, else the last. */
  readonly qualities: readonly number[];
  readonly mostBytes: number;
}

/**
 * Runs in a worker, where it arrives as text: it uses nothing but what browsers give.
 * @throws DOMException where the browser cannot read the file
 */
export async function drawPhoto(photo: Blob, drawing: Drawing): Promise<Blob> {
  const { width, height, qualities, mostBytes } = drawing;
  const bitmap = await createImageBitmap(photo, { imageOrientation: 'from-image' });
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { alpha: false });
  if (context === null) throw new DOMException('no canvas', 'InvalidStateError');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  let drawn = await canvas.convertToBlob({ type: 'image/jpeg', quality: qualities[0] ?? 1 });
  for (let at = 1; at < qualities.length && drawn.size > mostBytes; at++) {
    drawn = await canvas.convertToBlob({ type: 'image/jpeg', quality: qualities[at] ?? 1 });
  }
  return drawn;
}

type Reply = { readonly drawn: Blob } | { readonly fault: string };

/**
 * The same beside the page: decoding, scaling and compressing hold it up for a second or more. On the page itself where
 * it may have no worker, which its `worker-src` says.
 */
export async function drawPhotoAside(photo: Blob, drawing: Drawing): Promise<Blob> {
  let reply: Reply;
  try {
    reply = await askWorker(photo, drawing);
  } catch {
    return drawPhoto(photo, drawing);
  }
  if ('fault' in reply) throw new DOMException(reply.fault, 'EncodingError');
  return reply.drawn;
}

function askWorker(photo: Blob, drawing: Drawing): Promise<Reply> {
  const script = URL.createObjectURL(new Blob([`(${serve})(${drawPhoto})`], { type: 'text/javascript' }));
  let worker: Worker | undefined;
  return new Promise<Reply>((resolve, reject) => {
    worker = new Worker(script);
    worker.onmessage = ({ data }: MessageEvent<Reply>) => resolve(data);
    worker.onerror = reject;
    worker.postMessage([photo, drawing]);
  }).finally(() => {
    worker?.terminate();
    URL.revokeObjectURL(script);
  });
}

/** In the worker, as text too. What is no fault of the photo's leaves it as an error. */
function serve(draw: typeof drawPhoto): void {
  self.onmessage = ({ data: [photo, drawing] }: MessageEvent<[Blob, Drawing]>) =>
    draw(photo, drawing).then(
      (drawn) => postMessage({ drawn }),
      (error: unknown) => {
        if (error instanceof DOMException) postMessage({ fault: error.message });
        else
          setTimeout(() => {
            throw error;
          });
      },
    );
}
