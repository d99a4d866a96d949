/** Marks that the text so far has opened and not closed: closed here, so that no asterisks flash up while it grows. */

const FENCE = /^ {0,3}(```|~~~)/gm;

export function closeOpenMarks(text: string): string {
  if ((text.match(FENCE)?.length ?? 0) % 2 === 1) return text; // inside code everything stands for itself
  const at = text.lastIndexOf('\n') + 1;
  return text.slice(0, at) + closeLine(text.slice(at));
}

function closeLine(line: string): string {
  const ticks = line.match(/`/g)?.length ?? 0;
  if (ticks % 2 === 1) return line.endsWith('`') ? line.slice(0, -1) : `${line}\``;
  const withoutLink = line.replace(/!?\[([^\][]*)(\](\([^()\s]*)?)?$/, '$1');
  const bare = withoutLink.replaceAll(/`[^`]*`/g, '');
  const strong = bare.match(/\*\*/g)?.length ?? 0;
  if (strong % 2 === 0) return withoutLink.replace(/(\S)\*$/, strong > 0 ? '$1*' : '$1');
  if (withoutLink.endsWith('**')) return withoutLink.slice(0, -2);
  if (/\*\*[^*]*\*$/.test(withoutLink)) return `${withoutLink}*`;
  return withoutLink.replace(/\s*$/, '**');
}
