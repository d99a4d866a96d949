/**
 * PDF: how many pages it has, by walking from its root, since the model's API counts and bills each. Nothing in it is changed:
 * what its author wrote into it (names, forms) goes to the model with it.
 */
import { damaged, fault, type Inspected } from './inspected.ts';
import { objectsOf, type PdfObjects } from './pdf-objects.ts';

const END_BYTES = 1024;
const ENCRYPTED = /\/Encrypt\s*(?:<<|\d{1,9}\s+\d{1,5}\s+R\b)/;
const ROOT = /\/Root\s+(\d{1,9})\s+\d{1,5}\s+R\b/g;
const REFERENCE = /(?<!\d)(\d{1,9})\s+\d{1,5}\s+R\b/g;
/** Branches of the tree of pages for each page that may be: an honest one has fewer branches than leaves. */
const NODES_PER_PAGE = 8;

/** @throws RelayError bad_request (`damaged`), unsupported (`encrypted`), too_large (`pages`) */
export async function inspectPdf(file: Buffer, maxPages: number): Promise<Inspected> {
  const text = file.toString('latin1');
  const end = text.slice(-END_BYTES);
  if (!/%%EOF[\s\0]*$/.test(end)) throw damaged('it ends too early, or goes on behind its end');
  if (ENCRYPTED.test(text))
    throw fault('unsupported', 'encrypted', 'the PDF has a password; save it without one and send that');
  const pages = pagesOf(await objectsOf(file, text), rootOf(text), maxPages);
  if (pages === 0) throw damaged('it has no page');
  return { mediaType: 'application/pdf', pages, content: file };
}

/** Of several versions in one file the last stands. */
function rootOf(text: string): number {
  let root: number | undefined;
  for (const [, digits] of text.matchAll(ROOT)) root = Number(digits);
  if (root === undefined) throw damaged('it has no root');
  return root;
}

function pagesOf(objects: PdfObjects, root: number, maxPages: number): number {
  const [, first] = /\/Pages\s+(\d{1,9})\s+\d{1,5}\s+R\b/.exec(objects.get(root) ?? '') ?? [];
  if (first === undefined) throw damaged('it has no pages');
  const waiting = [Number(first)];
  const seen = new Set(waiting);
  let pages = 0;
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    const kids = kidsOf(objects, node);
    if (kids === undefined) pages += 1;
    for (const kid of kids ?? []) {
      if (seen.has(kid)) throw damaged('its pages go in a circle');
      seen.add(kid);
      waiting.push(kid);
    }
    // What waits has at least one page each.
    if (pages + waiting.length > maxPages || seen.size > NODES_PER_PAGE * maxPages)
      throw fault('too_large', 'pages', `the PDF has too many pages; send at most ${maxPages}`);
  }
  return pages;
}

/** Undefined for a page. */
function kidsOf(objects: PdfObjects, node: number): number[] | undefined {
  const dictionary = objects.get(node);
  if (dictionary === undefined) throw damaged('a page of it is missing');
  if (/\/Type\s*\/Page(?!s)/.test(dictionary)) return undefined;
  const [, list, reference] = /\/Kids\s*(?:\[([^\]]*)|(\d{1,9})\s+\d{1,5}\s+R\b)/.exec(dictionary) ?? [];
  const kids = list ?? (reference === undefined ? undefined : objects.get(Number(reference)));
  if (kids === undefined) return undefined;
  return Array.from(kids.matchAll(REFERENCE), ([, digits]) => Number(digits));
}
