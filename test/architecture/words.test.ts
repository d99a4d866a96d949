/** Holds src/ to the words of docs/glossary.md, whose tables are read here. */
import { describe, expect, it } from 'vitest';
import { readProjectFile, type SourceFile, sourceFiles } from './source-files.ts';
import { split, type Text, textsOf } from './words.ts';

const GLOSSARY = 'docs/glossary.md';

/** Folders that do not keep to it yet. */
const NOT_YET: readonly string[] = [];

interface Rule {
  /** Matches the words of a text. */
  readonly pattern: RegExp;
  readonly kinds: readonly Text['kind'][];
  /** Folders of src/ where the word may stand. */
  readonly folders: readonly string[];
  readonly instead: string;
}

interface Term {
  readonly word: string;
  readonly file: string;
  /** Folders where the name of an exported type may end with it. */
  readonly folders: readonly string[];
}

const terms = rows('Words and what they mean').map(([word = '', , file = '', also = '']): Term => {
  const path = file.replaceAll('`', '');
  return { word: word.replaceAll('*', ''), file: path, folders: [folderOf(path), ...quoted(also)] };
});

const rules: readonly Rule[] = [
  ...rows('Words that are not used').flatMap(([words = '', instead = '', where = '']) =>
    words.split(', ').map((word) => ruleOf(word, instead, where, [])),
  ),
  ...rows('Words that belong to one place').flatMap(([words = '', folders = '', instead = '']) =>
    words.split(', ').map((word) => ruleOf(word, instead, '', quoted(folders))),
  ),
];

const source = sourceFiles('src').filter(({ path }) => !path.endsWith('.json'));

describe('the glossary', () => {
  it('has tables to read', () => {
    expect(terms.length).toBeGreaterThan(30);
    expect(rules.length).toBeGreaterThan(20);
  });

  it('names files that are there', () => {
    const paths = new Set(source.map(({ path }) => path));
    expect(terms.filter(({ file }) => !paths.has(file)).map(({ word, file }) => `${word}: ${file}`)).toEqual(
      [],
    );
  });

  it('has no word twice', () => {
    const words = terms.map(({ word }) => word);
    expect(words.filter((word, index) => words.indexOf(word) !== index)).toEqual([]);
  });
});

describe('src/', () => {
  it('uses none of the words that the glossary sets aside', () => {
    const held = source.filter(({ path }) => !NOT_YET.includes(folderOf(path)));
    expect(held.flatMap(offences)).toEqual([]);
  });

  it('names a type by a word of the glossary only where that thing is', () => {
    const held = source.filter(({ path }) => !NOT_YET.includes(folderOf(path)));
    expect(held.flatMap(misplacedTypes)).toEqual([]);
  });
});

describe('the reading of words', () => {
  const offencesOf = (text: string, path = 'src/run/run.ts') => offences({ path, text }).map(firstPart);

  it.each([
    ['sendQueue', 'send queue'],
    ['#isOpen', 'is open'],
    ['MAX_FRAME_BYTES', 'max frame bytes'],
    ['SSEReader', 'sse reader'],
    ['event-loop-limiter.ts', 'event loop limiter ts'],
    ['Its `runId`, twice.', 'its run id twice'],
  ])('splits %j', (text, words) => {
    expect(split(text)).toBe(words);
  });

  it.each([
    ['const theLadder = 1;', 'the name "the ladder"'],
    ['class A { #heedThis() {} }', 'the name "heed this"'],
    ['const a = <b.Keeper c="d" />;', 'the name "keeper"'],
    ['type A = { readonly outbox: string };', 'the name "outbox"'],
    ['// It stands behind that.', 'the comment "it stands behind that"'],
    ['const a = 1; /* the\n * utterances */', 'the comment "utterances"'],
  ])('finds %j', (text, found) => {
    expect(offencesOf(text, 'src/run/run.tsx')).toEqual([expect.stringContaining(found)]);
  });

  it.each(["const a = 'ladder';", 'const bladder = 1;', '// Looks like it.', 'const door = 1;'])(
    'lets %j be',
    (text) => {
      expect(offencesOf(text)).toEqual([]);
    },
  );

  it('says where it is and what to write instead', () => {
    const [message] = offences({ path: 'src/run/run.ts', text: '\n// A ladder.\n' });
    expect(message).toMatch(/^src\/run\/run\.ts:2: .*"a ladder".*docs\/glossary\.md.*TransportSelector/);
  });

  it('finds it in the name of a file and in a style sheet', () => {
    expect(offencesOf('', 'src/demo/lane.ts')).toHaveLength(1);
    expect(offencesOf('.a .happenings li { top: 0.5px }\n/* a lane */', 'src/demo/page.css')).toHaveLength(2);
  });

  it('lets a word of one place stand there', () => {
    expect(offencesOf('const outbox = 1;', 'src/ledger/a.ts')).toEqual([]);
  });

  it('finds a type whose name ends with a word of elsewhere', () => {
    const text = 'export interface SlowReplica {}';
    expect(misplacedTypes({ path: 'src/quota/a.ts', text })).toHaveLength(1);
    expect(misplacedTypes({ path: 'src/cluster/a.ts', text })).toEqual([]);
  });
});

function offences(file: SourceFile): string[] {
  const { path } = file;
  const applying = rules.filter(({ folders }) => !folders.includes(folderOf(path)));
  return textsOf(file).flatMap(({ words, kind, line }) =>
    applying
      .filter(({ pattern, kinds }) => kinds.includes(kind) && pattern.test(words))
      .map(({ instead }) => `${path}:${line}: the ${kind} "${words}"; ${GLOSSARY} says: ${instead}`),
  );
}

/** Exported types whose last word is a term of the glossary that belongs to other folders. */
function misplacedTypes({ path, text }: SourceFile): string[] {
  const exported = text.matchAll(/^export (?:abstract )?(?:class|interface|type) (\w+)/gm);
  return Array.from(exported, ([, name = '']) => name).flatMap((name) => {
    const term = terms.find(({ word }) => ` ${split(name)}`.endsWith(` ${word}`));
    if (term === undefined || term.folders.some((each) => each === '*' || each === folderOf(path))) return [];
    return `${path}: ${name} is no ${term.word} as ${GLOSSARY} has it, which is in ${term.folders.join(', ')}`;
  });
}

/** The cells of a table, below the heading of its section. */
function rows(heading: string): string[][] {
  const [, section = ''] = readProjectFile(GLOSSARY).split(`## ${heading}\n`);
  const [table = ''] = section.split('\n## ');
  const lines = table.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** @param where empty for everywhere, or one of the kinds in the plural */
function ruleOf(word: string, instead: string, where: string, folders: readonly string[]): Rule {
  const pattern = new RegExp(`\\b${word.replace('*', '[a-z]*')}\\b`);
  const kinds = (['name', 'comment'] as const).filter((kind) => where === '' || where === `${kind}s`);
  return { pattern, kinds, folders, instead };
}

function quoted(cell: string): string[] {
  return Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = '']) => name);
}

/** `run` for src/run/run.ts; the file itself for those that are in no folder. */
function folderOf(path: string): string {
  return /^src\/([^/]+)/.exec(path)?.[1] ?? path;
}

function firstPart(offence: string): string {
  return offence.split(';')[0] ?? offence;
}
