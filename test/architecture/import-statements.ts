import { posix } from 'node:path';
import type { SourceFile } from './source-files.ts';

export interface ImportStatement {
  /** The file that imports. */
  readonly from: string;
  /** A path from the root of the checkout for our own modules, otherwise the package's name or `node:…`. */
  readonly to: string;
  /** Erased at run time: `import type`, `export type … from`, or `{ type A, type B }` throughout. */
  readonly typeOnly: boolean;
}

const STATEMENT = /^(?:import|export)\s+(type\s)?([^'";]*?)\s*from\s+'([^']+)'/gm;
const BARE = /^import\s+'([^']+)'/gm;
const DYNAMIC = /\bimport\(\s*'([^']+)'\s*\)/g;

/** What a module imports, by the shapes our formatter leaves. Comments that begin a line like an import would count. */
export function importsOf({ path, text }: SourceFile): ImportStatement[] {
  const statement = (target: string, typeOnly: boolean): ImportStatement => ({
    from: path,
    to: resolve(path, target),
    typeOnly,
  });
  return [
    ...Array.from(text.matchAll(STATEMENT), ([, type, names = '', target = '']) =>
      statement(target, type !== undefined || onlyTypes(names)),
    ),
    ...Array.from(text.matchAll(BARE), ([, target = '']) => statement(target, false)),
    ...Array.from(text.matchAll(DYNAMIC), ([, target = '']) => statement(target, false)),
  ];
}

function onlyTypes(names: string): boolean {
  const list = /^\{([^}]*)\}$/.exec(names.trim())?.[1];
  const items = (list ?? '').split(',').flatMap((name) => name.trim() || []);
  return items.length > 0 && items.every((name) => name.startsWith('type '));
}

function resolve(from: string, target: string): string {
  if (target.startsWith('.')) return posix.join(posix.dirname(from), target);
  if (target.startsWith('node:')) return target;
  const [scope = '', name = ''] = target.split('/');
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}
