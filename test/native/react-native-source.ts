/** React Native's own sources as JavaScript: its package has them with Flow types, and not what takes those away. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { transformSync } from 'esbuild';

/** A node of Babel's tree, or a part of one. */
interface Tree {
  readonly [key: string]: unknown;
}

interface FlowParser {
  parse(source: string, options: object): Tree;
}

const PARSING = {
  babel: true,
  flow: 'all',
  sourceType: 'module',
  reactRuntimeTarget: '19',
  transformOptions: { TransformEnumSyntax: { enable: true } },
};
/** Where types hang on what is not a type. */
const TYPE_KEYS = new Set([
  'typeAnnotation',
  'returnType',
  'typeParameters',
  'typeArguments',
  'superTypeParameters',
  'superTypeArguments',
  'implements',
  'predicate',
  'variance',
]);
const TYPE_NODES = /^(Declare.*|TypeAlias|OpaqueType|InterfaceDeclaration)$/;
const CASTS = /^(TypeCastExpression|AsExpression|AsConstExpression)$/;

/** Resolves as React Native itself does. */
export const requireOfReactNative = createRequire(
  createRequire(import.meta.url).resolve('react-native/package.json'),
);

export const NODE_MODULES = join(requireOfReactNative.resolve('./package.json'), '../..');

const { parse }: FlowParser = requireOfReactNative('flow-parser');
const generator: { default(tree: unknown, options: object): { code: string } } =
  requireOfReactNative('@babel/generator');

/** @throws SyntaxError */
export function stripFlow(source: string): string {
  return generator.default(withoutTypes(parse(source, PARSING)), { comments: false }).code;
}

/** TypeScript or plain, with or without JSX. */
export function compileJsx(source: string, loader: 'jsx' | 'tsx'): string {
  return transformSync(source, { loader, jsx: 'automatic', target: 'esnext' }).code;
}

function withoutTypes(part: unknown): unknown {
  if (Array.isArray(part)) return part.filter((item) => !isType(item)).map(withoutTypes);
  if (part === null || typeof part !== 'object') return part;
  const node = part as Tree;
  const type = String(node['type']);
  if (CASTS.test(type)) return withoutTypes(node['expression']);
  const chains = type.startsWith('Optional');
  const kept = Object.entries(node).filter(([key]) => !TYPE_KEYS.has(key) && (key !== 'optional' || chains));
  return Object.fromEntries(kept.map(([key, value]) => [key, isPlace(key) ? value : withoutTypes(value)]));
}

/** Also a field without a value, which only declares, and the parameter `this`. */
function isType(item: unknown): boolean {
  if (item === null || typeof item !== 'object') return false;
  const { type, importKind, exportKind, specifiers, value, name, declare, typeAnnotation } = item as Tree;
  if (TYPE_NODES.test(String(type)) || declare === true) return true;
  if (importKind === 'type' || importKind === 'typeof' || exportKind === 'type') return true;
  if (type === 'ImportDeclaration' && Array.isArray(specifiers))
    return specifiers.length > 0 && specifiers.every(isType);
  if (type === 'ClassProperty') return !value && Boolean(typeAnnotation);
  return type === 'Identifier' && name === 'this';
}

/** Where a node stands, which has no types. */
function isPlace(key: string): boolean {
  return key === 'loc' || key === 'range' || key === 'extra';
}
