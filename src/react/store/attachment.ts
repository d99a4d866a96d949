/** A photo or a PDF that goes with a question: what is known of it, and why one cannot be used. */
import type { UploadFile } from '../../client/upload.ts';

/** Plain data. Beyond the page nothing else is kept of it: neither the picture nor the name of its file. */
export interface Attachment {
  readonly id: string;
  readonly kind: 'photo' | 'document';
  /** What it shows, in the words of whoever took it; '' where they gave none. */
  readonly alt: string;
  /** Of a photo, upright, in pixels. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** Of a document. */
  readonly pages?: number | undefined;
}

/** Why it cannot be used, as far as it matters to a person. */
export type AttachmentProblem =
  | 'heic'
  | 'drawing'
  | 'moving'
  | 'notPhoto'
  | 'damaged'
  | 'tooLarge'
  | 'noDocuments'
  | 'encrypted'
  | 'tooManyPages'
  | 'tooManyWaiting'
  | 'noCamera'
  | 'notTaken'
  | 'signIn'
  | 'busy'
  | 'unreachable';

export class UnusableFile extends Error {
  readonly problem: AttachmentProblem;

  constructor(problem: AttachmentProblem, cause?: unknown) {
    super(`unable to use the file; ${problem}`, { cause });
    this.problem = problem;
  }
}

/** A file as it is sent. */
export interface PreparedFile {
  readonly file: UploadFile;
  /** Where a screen shows it from; a document is not shown. */
  readonly uri?: string | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** Lets go of what `uri` holds. */
  readonly release?: (() => void) | undefined;
}

/** What a person chose, before anything was done about it. */
export interface ChosenFile {
  readonly kind: Attachment['kind'];
  /** @throws UnusableFile */
  prepare(): Promise<PreparedFile>;
}

/** Out of a storage, with suspicion: what is no attachment is left out. */
export function attachmentsIn(value: unknown): readonly Attachment[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const found = (value as (Partial<Attachment> | null)[]).flatMap((each): Attachment[] => {
    const { id, kind, alt, width, height, pages } = each ?? {};
    if (typeof id !== 'string' || typeof alt !== 'string') return [];
    if (kind === 'document') return [{ id, kind, alt, pages: sizeIn(pages) }];
    return kind === 'photo' ? [{ id, kind, alt, width: sizeIn(width), height: sizeIn(height) }] : [];
  });
  return found.length > 0 ? found : undefined;
}

function sizeIn(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : undefined;
}
