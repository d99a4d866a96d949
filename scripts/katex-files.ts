/** What builds make of KaTeX's files: fonts become their bytes in base64, its style sheet the text of it (`assets.d.ts`). */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Of esbuild. */
export const KATEX_LOADERS = { '.woff2': 'base64', '.css': 'text' } as const;

const STYLESHEET = 'katex/dist/katex.min.css';
const STYLESHEET_NAME = /^katex\/dist\/katex\.min\.css$/;
/** No name of a style sheet: Vite would put it into the page. */
const STYLESHEET_ID = '\0katex-stylesheet';

interface SourceModule {
  readonly code: string;
  readonly moduleType: 'js';
}

/** The same for Vite. */
export function katexFiles() {
  return {
    name: 'katex-files',
    enforce: 'pre' as const,
    resolveId: {
      filter: { id: STYLESHEET_NAME },
      handler: (): string => STYLESHEET_ID,
    },
    load: {
      filter: { id: /katex-stylesheet$|\.woff2$/ },
      async handler(id: string): Promise<SourceModule> {
        if (id !== STYLESHEET_ID) return moduleOf(await readFile(id, 'base64'));
        return moduleOf(await readFile(fileURLToPath(import.meta.resolve(STYLESHEET)), 'utf8'));
      },
    },
  };
}

function moduleOf(text: string): SourceModule {
  return { code: `export default ${JSON.stringify(text)};`, moduleType: 'js' };
}
