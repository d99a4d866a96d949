/**
 * Photos of an app: by what it hands in of expo-image-picker and expo-image-manipulator, or of what is like them. Nothing of
 * Expo is imported here.
 */
import { type ChosenFile, type PreparedFile, UnusableFile } from '../store/attachment.ts';
import { modelSize } from './model-size.ts';

/** What is used of the module expo-image-picker. */
export interface ImagePickerLike {
  requestCameraPermissionsAsync(): Promise<{ readonly granted: boolean }>;
  launchCameraAsync(options?: PickerOptions): Promise<PickerResult>;
  launchImageLibraryAsync(options?: PickerOptions): Promise<PickerResult>;
}

/** Of expo-image-picker. */
export interface PickerOptions {
  mediaTypes?: ('images' | 'videos' | 'livePhotos')[];
  exif?: boolean;
  quality?: number;
  allowsMultipleSelection?: boolean;
  selectionLimit?: number;
}

export interface PickerResult {
  readonly assets: readonly PickedPhoto[] | null;
}

export interface PickedPhoto {
  readonly uri: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

/** What is used of `ImageManipulator` of expo-image-manipulator. */
export interface ImageManipulatorLike {
  manipulate(uri: string): ManipulatorLike;
}

export interface ManipulatorLike {
  resize(size: { width?: number | null; height?: number | null }): unknown;
  renderAsync(): Promise<{
    readonly width: number;
    readonly height: number;
    saveAsync(options?: { format?: string; compress?: number }): Promise<PickedPhoto>;
    release(): void;
  }>;
  release(): void;
}

export interface ExpoPhotos {
  /** The module expo-image-picker. */
  readonly ImagePicker: ImagePickerLike;
  /** Of the module expo-image-manipulator. */
  readonly ImageManipulator: ImageManipulatorLike;
}

/** Readable writing in some 600 KB. */
const COMPRESS = 0.8;
/** Nothing is cropped, and what the camera wrote beside the pixels is not asked for. */
const OPTIONS: PickerOptions = { mediaTypes: ['images'], quality: 1, exif: false };

/** None where the person changed their mind. @throws UnusableFile `noCamera` where the app may not use it */
export async function takePhoto(expo: ExpoPhotos): Promise<ChosenFile[]> {
  const { granted } = await expo.ImagePicker.requestCameraPermissionsAsync();
  if (!granted) throw new UnusableFile('noCamera');
  return chosen(expo, await expo.ImagePicker.launchCameraAsync(OPTIONS));
}

/** `most`: photos. */
export async function pickPhotos(expo: ExpoPhotos, most: number): Promise<ChosenFile[]> {
  const options = { ...OPTIONS, allowsMultipleSelection: most > 1, selectionLimit: most };
  return chosen(expo, await expo.ImagePicker.launchImageLibraryAsync(options));
}

function chosen({ ImageManipulator }: ExpoPhotos, { assets }: PickerResult): ChosenFile[] {
  return (assets ?? []).map((photo) => ({ kind: 'photo', prepare: () => prepared(ImageManipulator, photo) }));
}

/** Saved anew: upright, as small as a model sees it, and without place and time. */
async function prepared(manipulator: ImageManipulatorLike, photo: PickedPhoto): Promise<PreparedFile> {
  const context = manipulator.manipulate(photo.uri);
  try {
    const whole = await context.renderAsync(); // its size as it is upright: pickers differ in theirs
    const { width, height } = modelSize(whole);
    const isSmaller = width < whole.width || height < whole.height;
    if (isSmaller) context.resize({ width, height });
    const drawn = isSmaller ? await context.renderAsync() : whole;
    const saved = await drawn.saveAsync({ format: 'jpeg', compress: COMPRESS });
    whole.release();
    if (drawn !== whole) drawn.release();
    return { file: { uri: saved.uri }, uri: saved.uri, width: saved.width, height: saved.height };
  } catch (error) {
    throw new UnusableFile('damaged', error);
  } finally {
    context.release();
  }
}

/** What is used of the module expo-document-picker. */
export interface DocumentPickerLike {
  getDocumentAsync(options?: { type?: string | string[]; multiple?: boolean }): Promise<{
    readonly assets: readonly { readonly uri: string }[] | null;
  }>;
}

/** PDFs. `most`: how many. */
export async function pickDocuments(picker: DocumentPickerLike, most: number): Promise<ChosenFile[]> {
  const { assets } = await picker.getDocumentAsync({ type: 'application/pdf', multiple: most > 1 });
  return (assets ?? []).map(({ uri }) => ({ kind: 'document', prepare: async () => ({ file: { uri } }) }));
}
