/** Draws Markdown into an element. A model's text only ever becomes text nodes. */
import { closeOpenMarks, parseInline } from './inline-markdown.js';
import { parseBlocks } from './markdown.js';

/** Element → keys of the blocks it shows, one for each child. */
const shown = new WeakMap();

/** Draws `text`, anew only from the first block that changed. `growing`: marks may still be open at its end. */
export function renderMarkdown(element, text, growing) {
  const blocks = parseBlocks(text);
  const keys = blocks.map(({ source }, i) => (growing && i === blocks.length - 1 ? `${source}…` : source));
  const before = shown.get(element) ?? [];
  let same = 0;
  while (same < keys.length && keys[same] === before[same]) same += 1;
  while (element.childNodes.length > same) element.lastChild.remove();
  for (const [i, block] of blocks.entries()) {
    if (i >= same) element.append(drawBlock(block, growing && i === blocks.length - 1));
  }
  shown.set(element, keys);
}

const BLOCKS = {
  // The page's own headings are h1 and h2.
  heading: ({ level, text }, open) => withInline(node(`h${Math.min(level + 2, 6)}`), text, open),
  paragraph: ({ text }, open) => withInline(node('p'), text, open),
  rule: () => document.createElement('hr'),
  code: drawCode,
  list: drawList,
  quote({ blocks }, open) {
    const quote = node('blockquote');
    quote.append(...drawAll(blocks, open));
    return quote;
  },
  table: drawTable,
};

function drawBlock(block, open) {
  return BLOCKS[block.kind](block, open);
}

function drawAll(blocks, open) {
  return blocks.map((block, i) => drawBlock(block, open && i === blocks.length - 1));
}

function drawCode({ language, text }) {
  const pre = document.createElement('pre');
  pre.dir = 'ltr';
  pre.tabIndex = 0;
  const code = document.createElement('code');
  code.textContent = text;
  if (language) pre.dataset.language = language;
  pre.append(code);
  return pre;
}

function drawList({ ordered, start, items }, open) {
  const list = node(ordered ? 'ol' : 'ul');
  if (ordered) list.start = start;
  for (const [i, blocks] of items.entries()) {
    const item = node('li');
    const last = open && i === items.length - 1;
    // The first paragraph of an item is its line, not a paragraph of its own.
    const [first, ...rest] = blocks;
    if (first?.kind === 'paragraph') {
      withInline(item, first.text, last && rest.length === 0);
      item.append(...drawAll(rest, last));
    } else item.append(...drawAll(blocks, last));
    list.append(item);
  }
  return list;
}

function drawTable({ head, rows }, open) {
  const frame = document.createElement('div');
  frame.className = 'table';
  frame.tabIndex = 0;
  const table = document.createElement('table');
  const body = table.createTBody();
  fillRow(table.createTHead().insertRow(), 'th', head);
  for (const [i, row] of rows.entries()) {
    const filled = head.map((_, column) => row[column] ?? '');
    fillRow(body.insertRow(), 'td', filled, open && i === rows.length - 1);
  }
  frame.append(table);
  return frame;
}

function fillRow(row, name, texts, open) {
  for (const text of texts) {
    const cell = withInline(node(name), text, open);
    if (name === 'th') cell.scope = 'col';
    row.append(cell);
  }
}

/** Each block finds its own direction: a line of Arabic between English ones reads from the right. */
function node(name) {
  const element = document.createElement(name);
  element.dir = 'auto';
  return element;
}

function withInline(element, text, open) {
  element.append(...drawParts(parseInline(open ? closeOpenMarks(text) : text)));
  return element;
}

function drawParts(parts) {
  return parts.map((part) => {
    if (part.kind === 'text') return document.createTextNode(part.text);
    const element = document.createElement(part.kind === 'link' ? 'a' : part.kind);
    if (part.kind === 'code') element.textContent = part.text;
    else element.append(...drawParts(part.parts));
    if (part.kind === 'link') {
      element.href = part.href;
      element.target = '_blank';
      element.rel = 'noopener noreferrer';
    }
    return element;
  });
}
