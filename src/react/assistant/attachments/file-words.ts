/** What is said of a photo or a PDF that goes with a question. */
import type { Attachment, AttachmentProblem } from '../../store/attachment.ts';
import type { HeldFile } from '../../store/attachments.ts';
import type { AssistantStrings } from '../strings.ts';

/** `Photo 1`, `PDF 2`: its kind, and its place among those beside it. */
export function nameOf(kind: Attachment['kind'], at: number, strings: AssistantStrings): string {
  return kind === 'photo' ? strings.photoNumber(at + 1) : strings.documentNumber(at + 1);
}

/** How it fares. */
export function stateOf({ status, problem, pages }: HeldFile, strings: AssistantStrings): string {
  if (status === 'failed') return strings.fileProblems[problem ?? 'busy'];
  if (status === 'preparing') return strings.preparingFile;
  if (status === 'uploading') return strings.sendingFile;
  return pages === undefined ? strings.fileReady : strings.pageCount(pages);
}

/** A matter of the network, of time, or of who is signed in: the same file may be taken the next time. */
const PASSING: readonly (AttachmentProblem | undefined)[] = [
  'busy',
  'unreachable',
  'tooManyWaiting',
  'signIn',
];

export function canRetry({ problem }: HeldFile): boolean {
  return PASSING.includes(problem);
}
