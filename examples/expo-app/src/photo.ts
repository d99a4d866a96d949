import { ImageManipulator, SaveFormat } from 'expo-image-manipulator';
import * as ImagePicker from 'expo-image-picker';

/** A JPEG, upright, without what the camera wrote into it: no place and no time. */
export interface Photo {
  /** To be shown. */
  readonly uri: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly base64: string;
}

export type PhotoSource = 'camera' | 'library';

/** Why there is no photo although one was wanted. */
export type PhotoProblem = 'not-allowed' | 'not-readable' | 'too-large';

/** A frame of the relay holds 256 KiB, the question and the photo in Base64. */
const MOST_BASE64 = 200_000;
/** The longest side in pixels, and the quality: the first that fits. Print can be read in all of them. */
const STEPS = [
  { side: 1568, compress: 0.7 },
  { side: 1568, compress: 0.45 },
  { side: 1092, compress: 0.6 },
  { side: 1092, compress: 0.35 },
  { side: 784, compress: 0.4 },
] as const;

/** Undefined: the person changed their mind. */
export async function pickPhoto(source: PhotoSource): Promise<Photo | PhotoProblem | undefined> {
  if (source === 'camera') {
    const { granted } = await ImagePicker.requestCameraPermissionsAsync();
    if (!granted) return 'not-allowed';
  }
  try {
    // Nothing is cropped, and what a camera wrote beside the pixels is not asked for.
    const options = { mediaTypes: ['images'] as ImagePicker.MediaType[], quality: 1, exif: false };
    const { assets } =
      source === 'camera'
        ? await ImagePicker.launchCameraAsync(options)
        : await ImagePicker.launchImageLibraryAsync(options);
    const [asset] = assets ?? [];
    return asset && (await fitted(asset));
  } catch {
    return 'not-readable';
  }
}

/** As large as the relay takes it. Rotated as the camera was held: that is done when it is loaded. */
async function fitted({ uri, width, height }: ImagePicker.ImagePickerAsset): Promise<Photo | PhotoProblem> {
  for (const { side, compress } of STEPS) {
    const longest = Math.max(width, height);
    const context = ImageManipulator.manipulate(uri);
    if (longest > side) context.resize(width > height ? { width: side } : { height: side });
    const image = await context.renderAsync();
    const saved = await image.saveAsync({ format: SaveFormat.JPEG, compress, base64: true });
    image.release();
    context.release();
    if (saved.base64 && saved.base64.length <= MOST_BASE64) return { ...saved, base64: saved.base64 };
  }
  return 'too-large';
}
