/** A conversation as a Markdown document: questions as quotes of what was typed, answers as they were written. */
import { attachmentsOf, type ChatMessage, isBlank } from './messages.ts';

export interface Speakers {
  readonly you: string;
  readonly assistant: string;
}

/** A text file that an app saves or shares. */
export interface ExportedFile {
  /** With `.md`, and without what file systems refuse. */
  readonly name: string;
  readonly text: string;
}

export function exportMarkdown(
  title: string,
  messages: readonly ChatMessage[],
  { you, assistant }: Speakers,
): ExportedFile {
  const parts = messages
    .filter(({ content }) => !isBlank(content))
    .map((message) =>
      message.role === 'user'
        ? `**${you}:**\n\n${quoted(saidIn(message))}`
        : `**${assistant}:**\n\n${message.content.trim()}`,
    );
  return { name: `${fileNameOf(title)}.md`, text: `${[`# ${title}`, ...parts].join('\n\n')}\n` };
}

/** A picture cannot be written down; what it shows stands for it, where somebody has said it. */
function saidIn(question: ChatMessage): string {
  const shown = attachmentsOf(question).flatMap(({ alt }) => (alt === '' ? [] : [`[${alt}]`]));
  return [...shown, question.content].join('\n');
}

/** As it was typed: its own marks were not meant as Markdown, and each line stays one. */
function quoted(question: string): string {
  const lines = question
    .replaceAll(/[\\`*_[\]<>|~$#]/g, '\\$&')
    .replaceAll(/^(\s*\d*)([-+.)])(?=\s)/gm, '$1\\$2')
    .split('\n');
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => `> ${line.trim()}`)
    .join('\n>\n');
}

const REFUSED = /[\p{Cc}\p{Cf}<>:"/\\|?*]+/gu;

function fileNameOf(title: string): string {
  const name = title
    .replaceAll(REFUSED, ' ')
    .replaceAll(/\s+/g, ' ')
    .replace(/^[\s.]+|[\s.…]+$/g, '');
  return name || 'conversation';
}
