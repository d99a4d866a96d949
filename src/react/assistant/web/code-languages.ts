/** The languages whose code is coloured: each grammar is a script of its own, loaded with the first code in that language. */

import { createLoader, type Loader } from '../loader.ts';
import type { CodeReading } from './code-lexer.ts';
import type { CodePainter } from './code-painter.ts';

const GRAMMARS = {
  bash: () => import('highlight.js/lib/languages/bash'),
  c: () => import('highlight.js/lib/languages/c'),
  cpp: () => import('highlight.js/lib/languages/cpp'),
  csharp: () => import('highlight.js/lib/languages/csharp'),
  css: () => import('highlight.js/lib/languages/css'),
  go: () => import('highlight.js/lib/languages/go'),
  java: () => import('highlight.js/lib/languages/java'),
  javascript: () => import('highlight.js/lib/languages/javascript'),
  json: () => import('highlight.js/lib/languages/json'),
  kotlin: () => import('highlight.js/lib/languages/kotlin'),
  php: () => import('highlight.js/lib/languages/php'),
  python: () => import('highlight.js/lib/languages/python'),
  ruby: () => import('highlight.js/lib/languages/ruby'),
  rust: () => import('highlight.js/lib/languages/rust'),
  sql: () => import('highlight.js/lib/languages/sql'),
  swift: () => import('highlight.js/lib/languages/swift'),
  typescript: () => import('highlight.js/lib/languages/typescript'),
  xml: () => import('highlight.js/lib/languages/xml'),
} as const;

type Grammar = keyof typeof GRAMMARS;

/** The first reads the code, the others what it holds of them. */
type Grammars = readonly [Grammar, ...Grammar[]];

/** What models call languages, beside the names of the grammars. */
const OTHER_NAMES: Readonly<Record<string, Grammars>> = {
  sh: ['bash'],
  shell: ['bash'],
  zsh: ['bash'],
  h: ['c'],
  'c++': ['cpp'],
  cc: ['cpp'],
  hpp: ['cpp'],
  arduino: ['cpp'],
  ino: ['cpp'],
  'c#': ['csharp'],
  cs: ['csharp'],
  golang: ['go'],
  js: ['javascript'],
  mjs: ['javascript'],
  node: ['javascript'],
  jsx: ['javascript', 'xml'],
  jsonc: ['json'],
  json5: ['json'],
  kt: ['kotlin'],
  py: ['python'],
  python3: ['python'],
  rb: ['ruby'],
  rs: ['rust'],
  mysql: ['sql'],
  postgres: ['sql'],
  postgresql: ['sql'],
  sqlite: ['sql'],
  ts: ['typescript'],
  tsx: ['typescript', 'xml'],
  html: ['xml', 'css', 'javascript'],
  svg: ['xml', 'css'],
};

export interface CodeColouring {
  readonly CodePainter: typeof CodePainter;
  readonly read: CodeReading;
}

const loaders = new Map<string, Loader<CodeColouring>>();

/** Browsers since 2023, and Firefox since 2025. */
function hasHighlights(): boolean {
  return typeof Highlight === 'function' && typeof StaticRange === 'function' && 'highlights' in CSS;
}

/** `name`: as the model wrote it. Undefined where code in it stays plain. */
export function codeLoader(name: string): Loader<CodeColouring> | undefined {
  if (!hasHighlights()) return undefined;
  const key = name.toLowerCase();
  const known = loaders.get(key);
  if (known) return known;
  const grammars = grammarsOf(key);
  if (grammars === undefined) return undefined;
  const loader = createLoader(() => loadColouring(grammars));
  loaders.set(key, loader);
  return loader;
}

function grammarsOf(key: string): Grammars | undefined {
  if (Object.hasOwn(GRAMMARS, key)) return [key as Grammar];
  return Object.hasOwn(OTHER_NAMES, key) ? OTHER_NAMES[key] : undefined;
}

async function loadColouring(grammars: Grammars): Promise<CodeColouring> {
  const [engine, ...modules] = await Promise.all([
    import('./code-engine.ts'),
    ...grammars.map((name) => GRAMMARS[name]()),
  ]);
  for (const [at, grammar] of modules.entries()) engine.addGrammar(grammars[at] ?? '', grammar.default);
  return {
    CodePainter: engine.CodePainter,
    read: (piece, start) => engine.readCode(grammars[0], piece, start),
  };
}
