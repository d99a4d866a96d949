/** PROTOCOL.md is the law: its tables, and the frames of its examples, are compared with the code. */
import { describe, expect, it } from 'vitest';
import { CLOSE_CODES, ERROR_CODES } from '../../src/protocol/codes.ts';
import { parseClientFrame } from '../../src/protocol/parse-client-frame.ts';
import { readProjectFile } from '../architecture/source-files.ts';

const document = readProjectFile('PROTOCOL.md');
const frameTypes = readProjectFile('src/protocol/frames.ts');

/** The cells of the table rows below a heading, up to the next heading, without the table's own head. */
function rowsBelow(heading: string): string[][] {
  const [, section = ''] = document.split(`\n${heading}\n`);
  const [own = ''] = section.split(/\n#+ /);
  const rows = own.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The text between backquotes. */
const name = (cell = '') => /^`(.*)`$/.exec(cell)?.[1] ?? '';

/** `readonly field?: …` lines of one interface, two spaces deep: the names as the document writes them. */
function fieldsOf(declaration: string): string[] {
  return Array.from(declaration.matchAll(/^ {2}readonly (\w+\??):/gm), ([, field = '']) => field).filter(
    (field) => field !== 'type',
  );
}

function declarationOf(interfaceName: string): string {
  const pattern = new RegExp(`^export interface ${interfaceName}\\b[^{]*\\{\\n(.*?)^\\}`, 'ms');
  return pattern.exec(frameTypes)?.[1] ?? '';
}

/** Frame name → fields, from the type declarations. */
function declaredFrames(): Map<string, string[]> {
  const frames = new Map<string, string[]>();
  for (const [, interfaceName = '', heritage] of frameTypes.matchAll(
    /^export interface (\w+Frame)( extends StreamRequest)? \{/gm,
  )) {
    const declaration = declarationOf(interfaceName);
    const inherited = heritage === undefined ? [] : fieldsOf(declarationOf('StreamRequest'));
    const type = /readonly type: '(\w+)'/.exec(declaration)?.[1] ?? '';
    frames.set(type, [...fieldsOf(declaration), ...inherited]);
  }
  return frames;
}

describe('codes', () => {
  it('has each code with its status and its retry policy', () => {
    const documented = rowsBelow('## Codes').map(([code, status, retryable]) => [
      name(code),
      { status: Number(status), retryable: retryable === 'yes' },
    ]);
    expect(documented).toEqual(Object.entries(ERROR_CODES));
  });

  it('says yes or no to every retry', () => {
    for (const [, , retryable] of rowsBelow('## Codes')) expect(retryable).toMatch(/^(yes|no)$/);
  });

  it('has each close code the relay sends, by its name', () => {
    const named = rowsBelow('## Close codes').filter(([, closeName]) => closeName !== '');
    expect(named.map(([code, closeName]) => [name(closeName), Number(code)])).toEqual(
      Object.entries(CLOSE_CODES),
    );
  });

  it('tells the client what to do for every close code', () => {
    for (const row of rowsBelow('## Close codes')) expect(row[3]).toMatch(/^[A-Z].{4}/);
  });
});

describe('frames', () => {
  const declared = declaredFrames();

  it('has a section for each frame and for no other', () => {
    const headings = Array.from(document.matchAll(/^### `(\w+)`$/gm), ([, type]) => type);
    expect(headings.toSorted()).toEqual([...declared.keys()].toSorted());
  });

  it.each([...declared])('has the fields of %s, and which of them may be absent', (type, fields) => {
    const documented = rowsBelow(`### \`${type}\``).map(([field]) => name(field));
    expect(documented.toSorted()).toEqual(fields.toSorted());
  });

  it.each([
    ['Usage', 'Usage'],
    ['Quota', 'QuotaState'],
    ['Timing', 'Timing'],
    ['Listed streams', 'ListedStream'],
  ])('has the fields of %s', (heading, declaration) => {
    const documented = rowsBelow(`## ${heading}`).map(([field]) => name(field));
    expect(documented).toEqual(fieldsOf(declarationOf(declaration)));
  });
});

describe('the examples', () => {
  const examples = Array.from(document.matchAll(/^([→←]) (\{.*\})$/gm), ([, side, json = '']) => ({
    side,
    json,
  }));

  it('sends only frames the relay accepts', () => {
    const sent = examples.filter(({ side }) => side === '→');
    expect(sent.length).toBeGreaterThan(3);
    for (const { json } of sent) expect(parseClientFrame(json)).toHaveProperty('frame');
  });

  it('receives only frames with all their fields and no other', () => {
    const declared = declaredFrames();
    for (const { json } of examples.filter(({ side }) => side === '←')) {
      const { type, ...fields } = JSON.parse(json) as Record<string, unknown>;
      const known = declared.get(String(type)) ?? [];
      const required = known.filter((field) => !field.endsWith('?'));
      expect(Object.keys(fields)).toEqual(expect.arrayContaining(required));
      expect(known.map((field) => field.replace('?', ''))).toEqual(
        expect.arrayContaining(Object.keys(fields)),
      );
    }
  });

  it('counts the deltas of its conversation without a gap', () => {
    const frames = examples.map(({ json }) => JSON.parse(json) as Record<string, unknown>);
    const chunks = frames.filter(({ type }) => type === 'chunk');
    let held = 0;
    for (const { seq, count = 1 } of chunks) {
      expect(Number(seq) - Number(count)).toBe(held);
      held = Number(seq);
    }
    const text = chunks.map(({ content }) => String(content)).join('');
    expect(frames.find(({ type }) => type === 'done')).toMatchObject({ seq: held, textLength: text.length });
  });
});
