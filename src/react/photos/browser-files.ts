/** Files that a browser was given, by its dialog, the clipboard or a drop: made ready to be sent. */
import { type ChosenFile, type PreparedFile, UnusableFile } from '../store/attachment.ts';
import { type Drawing, drawPhotoAside } from './draw-photo.ts';
import { modelSize, type Size } from './model-size.ts';

/** A photo of more pixels is not opened: it would take more memory than a phone has. */
const MOST_PIXELS = 120_000_000;
/** Writing stays readable at all of them. */
const QUALITIES = [0.82, 0.7, 0.55];
/** What is larger is compressed more, bytes. */
const PHOTO_BYTES = 1_500_000;

/**
 * As questions take them: `useAttachments().add`. Photos are drawn anew, upright and no larger than a model sees them, as
 * JPEG; a PDF stays as it is, where `documents` says that it is wanted.
 * @example
 * ```tsx
 * import { browserFiles, useAttachments } from '@dash-relay/client/react';
 *
 * const { add } = useAttachments('conversation-1');
 * <input type="file" accept="image/*" onChange={({ target }) => add(browserFiles([...(target.files ?? [])]))} />;
 * ```
 */
export function browserFiles(files: readonly Blob[], documents = false): ChosenFile[] {
  return files.map((file) =>
    file.type === 'application/pdf'
      ? { kind: 'document', prepare: () => preparedDocument(file, documents) }
      : { kind: 'photo', prepare: () => preparedPhoto(file) },
  );
}

async function preparedDocument(file: Blob, isWanted: boolean): Promise<PreparedFile> {
  if (!isWanted) throw new UnusableFile('noDocuments');
  return { file };
}

async function preparedPhoto(file: Blob): Promise<PreparedFile> {
  try {
    const whole = await sizeOf(file);
    if (whole.width * whole.height > MOST_PIXELS) throw new UnusableFile('tooLarge');
    const { width, height } = modelSize(whole);
    const drawing: Drawing = { width, height, qualities: QUALITIES, mostBytes: PHOTO_BYTES };
    const drawn = await drawPhotoAside(file, drawing);
    const uri = URL.createObjectURL(drawn);
    return { file: drawn, uri, width, height, release: () => URL.revokeObjectURL(uri) };
  } catch (error) {
    throw error instanceof UnusableFile ? error : new UnusableFile(await problemWith(file), error);
  }
}

/** Upright, by its header: nothing is decoded yet. */
async function sizeOf(file: Blob): Promise<Size> {
  if (file.type === 'image/svg+xml') throw new UnusableFile('drawing');
  const uri = URL.createObjectURL(file);
  try {
    const image = new Image();
    await new Promise<void>((resolve, reject) => {
      image.onload = () => resolve();
      image.onerror = () => reject(new UnreadableImage());
      image.src = uri;
    });
    const { naturalWidth: width, naturalHeight: height } = image;
    if (width === 0 || height === 0) throw new UnreadableImage();
    return { width, height };
  } finally {
    URL.revokeObjectURL(uri);
  }
}

class UnreadableImage extends Error {}

/** Brands of ISO files that hold a HEIC photo, as phones save them. */
const HEIC = /^ftyp(?:heic|heix|hevc|heim|heis|hevm|hevs|mif1|msf1)/;
/** How images begin that browsers know: a file like that, which cannot be opened, is damaged. */
const KNOWN = /^(?:\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP)/s;

/** Of a file that the browser could not open. */
async function problemWith(file: Blob): Promise<UnusableFile['problem']> {
  const bytes = new Uint8Array(await file.slice(0, 16).arrayBuffer());
  const head = String.fromCharCode(...bytes);
  if (HEIC.test(head.slice(4))) return 'heic';
  return KNOWN.test(head) ? 'damaged' : 'notPhoto';
}
