/** Metro's own compiling of a module, once for all bundles: most modules are the same on both platforms. */
import { createRequire } from 'node:module';
import { requireOfReactNative } from './react-native-source.ts';

interface Options {
  readonly platform: string;
  /** `module`, `script` or `asset`. */
  readonly type: string;
}

interface Worker {
  transform(config: object, root: string, path: string, data: Buffer, options: Options): Promise<object>;
  getCacheKey(config: object): string;
}

const requireOfPlugin = createRequire(requireOfReactNative.resolve('@react-native/community-cli-plugin'));
const own: Worker = createRequire(requireOfPlugin.resolve('metro'))('metro-transform-worker');
/** Metro answers it in the code itself. */
const ASKS_FOR_PLATFORM = /\bPlatform\s*\.\s*(OS|select)\b/;
const compiled = new Map<string, Promise<object>>();

export const { getCacheKey } = own;

/** Called by Metro, in this process. */
export const transform: Worker['transform'] = (config, root, path, data, options) => {
  const source = data.toString('utf8');
  const compile = () => own.transform(config, root, path, data, options);
  if (options.type !== 'module' || ASKS_FOR_PLATFORM.test(source)) return compile();
  const key = JSON.stringify([path, { ...options, platform: undefined }, source]);
  const result = compiled.get(key) ?? compile();
  compiled.set(key, result);
  return result;
};
