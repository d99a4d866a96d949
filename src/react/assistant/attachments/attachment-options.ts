/** What an app allows to go with questions, and by what a person chooses it. */
import { Platform } from 'react-native';
import { chooseFiles } from '../../photos/browser-dialog.ts';
import { browserFiles } from '../../photos/browser-files.ts';
import {
  type DocumentPickerLike,
  type ExpoPhotos,
  pickDocuments,
  pickPhotos,
  takePhoto,
} from '../../photos/expo-files.ts';
import type { ChosenFile } from '../../store/attachment.ts';
import { MOST_FILES } from '../../store/messages.ts';
import type { IconName } from '../icon.tsx';
import type { AssistantStrings } from '../strings.ts';

/** Of `<DashAssistant attachments/>`. Browsers need none of it. Keep the object the same between renderings. */
export interface AttachmentOptions extends Partial<ExpoPhotos> {
  /** PDFs too: for people whose plan, or an action that, takes them. Default false. */
  readonly documents?: boolean | undefined;
  /** The module expo-document-picker: for PDFs in React Native. */
  readonly DocumentPicker?: DocumentPickerLike | undefined;
  /** With one question. Default 5, at most 8. */
  readonly most?: number | undefined;
}

/** One way to choose; an app may offer several. */
export interface Source {
  readonly icon: IconName;
  readonly label: string;
  /** `room`: how many more may be attached. @throws UnusableFile */
  choose(room: number): Promise<readonly ChosenFile[]>;
}

const MOST = 5;

export function mostOf({ most = MOST }: AttachmentOptions): number {
  return Math.min(most, MOST_FILES);
}

/** `hasCamera`: the device is one that people hold in their hands. Empty: nothing can be attached. */
export function sourcesOf(
  options: AttachmentOptions,
  strings: AssistantStrings,
  hasCamera: boolean,
): readonly Source[] {
  return Platform.OS === 'web'
    ? browserSources(options, strings, hasCamera)
    : nativeSources(options, strings);
}

function browserSources(
  { documents = false }: AttachmentOptions,
  strings: AssistantStrings,
  hasCamera: boolean,
) {
  const camera: Source = {
    icon: 'camera',
    label: strings.takePhoto,
    choose: async () => browserFiles(await chooseFiles({ accept: 'image/*', isCamera: true })),
  };
  const files: Source = {
    icon: 'picture',
    label: documents ? strings.chooseFiles : strings.choosePhotos,
    choose: async (room) => {
      const accept = documents ? 'image/*,application/pdf' : 'image/*';
      return browserFiles(await chooseFiles({ accept, isMultiple: room > 1 }), documents);
    },
  };
  return hasCamera ? [camera, files] : [files];
}

function nativeSources(options: AttachmentOptions, strings: AssistantStrings): Source[] {
  const { ImagePicker, ImageManipulator, DocumentPicker, documents = false } = options;
  const sources: Source[] = [];
  if (ImagePicker && ImageManipulator) {
    const expo = { ImagePicker, ImageManipulator };
    sources.push(
      { icon: 'camera', label: strings.takePhoto, choose: () => takePhoto(expo) },
      { icon: 'picture', label: strings.choosePhotos, choose: (room) => pickPhotos(expo, room) },
    );
  }
  if (DocumentPicker && documents)
    sources.push({
      icon: 'page',
      label: strings.chooseDocuments,
      choose: (room) => pickDocuments(DocumentPicker, room),
    });
  return sources;
}
