/** What is needed once something was asked, and not before: in browsers a script of its own, with all that reads Markdown. */
import { Announcer } from './announcer.tsx';
import { LinkDialog } from './link-dialog.tsx';
import type { WebDrawing } from './markdown/rendering.ts';
import { ReportDialog } from './report-dialog.tsx';
import { Transcript } from './transcript.tsx';

export interface TranscriptParts {
  readonly Announcer: typeof Announcer;
  readonly LinkDialog: typeof LinkDialog;
  readonly ReportDialog: typeof ReportDialog;
  readonly Transcript: typeof Transcript;
  /** Undefined in React Native. */
  readonly web?: WebDrawing;
}

export const TRANSCRIPT_PARTS: TranscriptParts = { Announcer, LinkDialog, ReportDialog, Transcript };
