/** Lines of a screen as text of a terminal. */
import { styleText } from 'node:util';
import type { ScreenLine, Style } from './screen.ts';

const STYLES = {
  title: ['bold', 'cyan'],
  good: ['bold', 'green'],
  warn: ['yellow'],
  bad: ['bold', 'red'],
  dim: ['dim'],
} as const;

/** Styled as far as the stream shows it: not where it is no terminal, or NO_COLOR is set. */
export function textOf(lines: readonly ScreenLine[], stream: NodeJS.WritableStream): string {
  return lines.map((line) => line.map(({ text, style }) => styled(text, style, stream)).join('')).join('\n');
}

function styled(text: string, style: Style, stream: NodeJS.WritableStream): string {
  return style === 'plain' || text === '' ? text : styleText([...STYLES[style]], text, { stream });
}
