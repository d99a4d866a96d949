/** What @react-native/babel-preset does for Metro, as far as an app needs it to be bundled: no types, no JSX. */
import { compileJsx, requireOfReactNative, stripFlow } from './react-native-source.ts';

interface Request {
  readonly filename: string;
  readonly src: string;
}

const { parseSync }: { parseSync(code: string, options: object): object } =
  requireOfReactNative('@babel/core');

/** By its source: most modules are the same on both platforms. */
const compiled = new Map<string, string>();

/** Called by Metro, in this process. */
export function transform({ filename, src }: Request): { ast: object } {
  const code = compiled.get(src) ?? compile(filename, src);
  compiled.set(src, code);
  return { ast: parseSync(code, { filename, babelrc: false, configFile: false, sourceType: 'module' }) };
}

function compile(filename: string, source: string): string {
  return /\.tsx?$/.test(filename) ? compileJsx(source, 'tsx') : compileJsx(plain(source), 'jsx');
}

function plain(source: string): string {
  return /@flow\b/.test(source) ? stripFlow(source) : source;
}
