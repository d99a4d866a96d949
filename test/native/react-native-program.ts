/** A program that uses React Native's own modules and ours, in one file, as Metro would put it together. */
import { readFile } from 'node:fs/promises';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import type { Platform } from './native-bundle.ts';
import { NODE_MODULES, stripFlow } from './react-native-source.ts';

const flow: Plugin = {
  name: 'flow',
  setup({ onLoad }) {
    onLoad({ filter: /\/react-native\/(Libraries|src)\/.*\.js$/ }, async ({ path }) => ({
      contents: stripFlow(await readFile(path, 'utf8')),
      loader: 'jsx',
    }));
  },
};

/** @param entry the source of its first module */
export async function buildProgram(
  entry: string,
  platform: Platform,
  { plugins = [], define = {} }: Pick<BuildOptions, 'plugins' | 'define'> = {},
): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: NODE_MODULES },
    nodePaths: [NODE_MODULES],
    plugins: [...plugins, flow],
    resolveExtensions: [`.${platform}.js`, '.native.js', '.js'],
    conditions: ['react-native'],
    mainFields: ['react-native', 'browser', 'main'],
    define: { __DEV__: 'false', global: 'globalThis', ...define },
    bundle: true,
    format: 'iife',
    write: false,
    tsconfigRaw: {}, // not of whatever folder the packages lie in
    logLevel: 'error',
  });
  return outputFiles[0]?.text ?? '';
}
