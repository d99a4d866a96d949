/** Emphasis, code and links within a line of Markdown, as plain data: { kind, text } or { kind, parts }. */

const INLINE = new RegExp(
  [
    /\\(?<escaped>[\\`*_{}[\]()#+\-.!|>~])/u,
    /(?<ticks>`+)(?<code>.+?)\k<ticks>(?!`)/u,
    /\*\*(?=\S)(?<strong>(?:(?!\*\*(?!\*)).)+)(?<=\S)\*\*(?!\*)/u,
    /(?<![\p{L}\p{N}])__(?=\S)(?<strong2>.+?)(?<=\S)__(?![\p{L}\p{N}])/u,
    /\*(?=[^\s*])(?<em>[^*]*?)(?<=\S)\*/u,
    /(?<![\p{L}\p{N}_])_(?=[^\s_])(?<em2>[^_]*?)(?<=\S)_(?![\p{L}\p{N}])/u,
    // Only http(s): no other scheme ever becomes a link.
    /\[(?<label>[^[\]]+)\]\((?<href>https?:\/\/[^\s)]+)\)/u,
  ]
    .map(({ source }) => source)
    .join('|'),
  'gsu',
);

export function parseInline(text) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > at) parts.push({ kind: 'text', text: text.slice(at, match.index) });
    parts.push(partOf(match.groups));
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push({ kind: 'text', text: text.slice(at) });
  return parts;
}

function partOf({ escaped, code, strong, strong2, em, em2, label, href }) {
  if (escaped !== undefined) return { kind: 'text', text: escaped };
  if (code !== undefined) return { kind: 'code', text: code };
  if (href !== undefined) return { kind: 'link', href, parts: parseInline(label) };
  const bold = strong ?? strong2;
  if (bold !== undefined) return { kind: 'strong', parts: parseInline(bold) };
  return { kind: 'em', parts: parseInline(em ?? em2) };
}

/** Closes what a text that is still being written has open, so that no asterisk shows before its partner comes. */
export function closeOpenMarks(text) {
  const whole = text.replace(/[*_`]+$/, (marks) => (isClosing(text, marks) ? marks : ''));
  if (count(whole, /`/g) % 2 === 1) return `${whole}\``;
  const outsideCode = whole.replace(/`[^`]*`/g, '');
  const bold = count(outsideCode, /\*\*/g) % 2 === 1 ? '**' : '';
  const italic = count(outsideCode.replaceAll('**', ''), /(?<=\S)\*|\*(?=\S)/g) % 2 === 1 ? '*' : '';
  return bold + italic === '' ? whole : whole.trimEnd() + italic + bold;
}

/** Whether the marks at the end close something: they then follow a word, and come in even numbers. */
function isClosing(text, marks) {
  if (!/\S/.test(text.at(-marks.length - 1) ?? ' ')) return false;
  return count(text, new RegExp(marks[0] === '*' ? '\\*' : marks[0], 'g')) % 2 === 0;
}

function count(text, pattern) {
  return text.match(pattern)?.length ?? 0;
}
