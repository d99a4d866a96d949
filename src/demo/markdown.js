/**
 * The blocks of a Markdown text as plain data: enough for a model's answers, no more. Never makes HTML.
 * Each block keeps its `source`, so that a growing answer is drawn anew only where it grew.
 */

/** Lists and quotes within one another beyond this are read as text: no input can exhaust the stack. */
const DEEPEST = 4;
const FENCE = /^ {0,3}(```+|~~~+)\s*([\w+#.-]*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])(\s+)(?=\S)/;
const QUOTE = /^ {0,3}> ?/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

/** Each reads a block that begins at a line: { block, next }, or undefined where it is not one of its kind. */
const READERS = [readFence, readHeading, readRule, readTable, readList, readQuote];

export function parseBlocks(text, depth = 0) {
  const lines = text.split('\n');
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    if (lines[at].trim() === '') {
      at += 1;
      continue;
    }
    const { block, next } = readBlock(lines, at, depth);
    blocks.push({ ...block, source: lines.slice(at, next).join('\n') });
    at = next;
  }
  return blocks;
}

function readBlock(lines, at, depth) {
  return readSpecial(lines, at, depth) ?? readParagraph(lines, at, depth);
}

function readSpecial(lines, at, depth) {
  if (depth > DEEPEST) return undefined;
  for (const read of READERS) {
    const found = read(lines, at, depth);
    if (found !== undefined) return found;
  }
  return undefined;
}

function readParagraph(lines, at, depth) {
  let next = at + 1;
  while (next < lines.length && lines[next].trim() !== '' && !readSpecial(lines, next, depth)) next += 1;
  return { block: { kind: 'paragraph', text: lines.slice(at, next).join('\n').trim() }, next };
}

/** A fence that is not closed yet reaches to the end. */
function readFence(lines, at) {
  const [, marks, language] = FENCE.exec(lines[at]) ?? [];
  if (marks === undefined) return undefined;
  let end = at + 1;
  while (end < lines.length && !lines[end].trimStart().startsWith(marks)) end += 1;
  return {
    block: { kind: 'code', language, text: lines.slice(at + 1, end).join('\n') },
    next: Math.min(end + 1, lines.length),
  };
}

function readHeading(lines, at) {
  const [, marks, text] = HEADING.exec(lines[at]) ?? [];
  return marks && { block: { kind: 'heading', level: marks.length, text }, next: at + 1 };
}

function readRule(lines, at) {
  return RULE.test(lines[at]) ? { block: { kind: 'rule' }, next: at + 1 } : undefined;
}

function readTable(lines, at) {
  if (!lines[at].includes('|') || !lines[at + 1]?.includes('-') || !TABLE_RULE.test(lines[at + 1])) {
    return undefined;
  }
  let next = at + 2;
  while (lines[next]?.includes('|')) next += 1;
  return {
    block: { kind: 'table', head: cells(lines[at]), rows: lines.slice(at + 2, next).map(cells) },
    next,
  };
}

function cells(line) {
  return line
    .trim()
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => cell.trim());
}

/** An item holds its own line and what is indented below it; blank lines between items do not end a list. */
function readList(lines, at, depth) {
  const first = ITEM.exec(lines[at]);
  if (first === null) return undefined;
  const ordered = /\d/.test(first[2]);
  const items = [];
  let next = at;
  while (next < lines.length) {
    const item = ITEM.exec(lines[next]);
    const indent = lines[next].search(/\S/);
    if (item !== null && indent <= first[1].length + 1) {
      if (/\d/.test(item[2]) !== ordered) break;
      items.push([lines[next].slice(item[0].length)]);
    } else if (belongsToItem(lines, next, first[1].length)) {
      items.at(-1).push(lines[next].trim() === '' ? '' : dedent(lines[next], first[0].length));
    } else break;
    next += 1;
  }
  const start = ordered ? Number.parseInt(first[2], 10) : undefined;
  return {
    block: {
      kind: 'list',
      ordered,
      start,
      items: items.map((item) => parseBlocks(item.join('\n'), depth + 1)),
    },
    next,
  };
}

function belongsToItem(lines, at, listIndent) {
  if (lines[at].trim() !== '') {
    const lazy = lines[at - 1].trim() !== '' && !readSpecial(lines, at, DEEPEST);
    return lazy || lines[at].search(/\S/) > listIndent;
  }
  const following = lines[at + 1] ?? '';
  return ITEM.test(following) || following.search(/\S/) > listIndent;
}

function dedent(line, width) {
  return line.slice(Math.min(width, line.search(/\S/)));
}

function readQuote(lines, at, depth) {
  let next = at;
  while (next < lines.length && QUOTE.test(lines[next])) next += 1;
  if (next === at) return undefined;
  const inner = lines.slice(at, next).map((line) => line.replace(QUOTE, ''));
  return { block: { kind: 'quote', blocks: parseBlocks(inner.join('\n'), depth + 1) }, next };
}
