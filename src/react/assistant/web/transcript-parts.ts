/** The same with what only browsers draw: it typesets formulas and colours code, by parts that are loaded with the first of each. */
import { TRANSCRIPT_PARTS, type TranscriptParts } from '../transcript-parts.ts';
import { ColouredCode } from './coloured-code.tsx';
import { Typeset } from './typeset.tsx';

export const WEB_PARTS: TranscriptParts = { ...TRANSCRIPT_PARTS, web: { Typeset, ColouredCode } };
