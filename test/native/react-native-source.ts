/** React Native's own sources as JavaScript: they are published with their Flow types, without what strips them. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { transformSync } from 'esbuild';

type Tree = object;
type Transform = (tree: Tree, options: typeof OPTIONS) => Tree | null | undefined;

interface FlowParser {
  parse(source: string, options: typeof OPTIONS): Tree;
  readonly Transforms: Readonly<Record<(typeof TRANSFORMS)[number], Transform>>;
}

const OPTIONS = {
  flow: 'all',
  sourceType: 'module',
  reactRuntimeTarget: '19',
  transformOptions: { TransformEnumSyntax: { enable: true } },
} as const;
const TRANSFORMS = [
  'transformEnumSyntax',
  'transformMatchSyntax',
  'transformComponentSyntax',
  'transformRecordSyntax',
  'stripFlowTypes',
] as const;

/** Resolves as React Native itself does. */
export const requireOfReactNative = createRequire(
  createRequire(import.meta.url).resolve('react-native/package.json'),
);

export const NODE_MODULES = join(requireOfReactNative.resolve('./package.json'), '../..');

/** @throws SyntaxError */
export function stripFlow(source: string): string {
  const { parse, Transforms }: FlowParser = requireOfReactNative('flow-parser');
  const toBabel: { transformProgram: Transform } = requireOfReactNative(
    'flow-parser/dist/babel/TransformESTreeToBabel.js',
  );
  let tree = parse(source, OPTIONS);
  for (const name of TRANSFORMS) tree = Transforms[name](tree, OPTIONS) ?? tree;
  return print(toBabel.transformProgram(tree, OPTIONS) ?? tree);
}

/** TypeScript or plain, with or without JSX. */
export function compileJsx(source: string, loader: 'jsx' | 'tsx'): string {
  return transformSync(source, { loader, jsx: 'automatic', target: 'esnext' }).code;
}

function print(tree: Tree): string {
  const generator: { default(tree: Tree, options: object): { code: string } } =
    requireOfReactNative('@babel/generator');
  return generator.default(tree, { comments: false }).code;
}
