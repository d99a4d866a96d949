/** What @react-native/babel-preset does for Metro, as far as an app needs it to be bundled: no types, no JSX. */
import { compileJsx, requireOfReactNative, stripFlow } from './react-native-source.ts';

interface Request {
  readonly filename: string;
  readonly src: string;
}

const { parseSync }: { parseSync(code: string, options: object): object } =
  requireOfReactNative('@babel/core');

/** Called by Metro, in its workers. */
export function transform({ filename, src }: Request): { ast: object } {
  const code = /\.tsx?$/.test(filename) ? compileJsx(src, 'tsx') : compileJsx(plain(src), 'jsx');
  return { ast: parseSync(code, { filename, babelrc: false, configFile: false, sourceType: 'module' }) };
}

function plain(source: string): string {
  return /@flow\b/.test(source) ? stripFlow(source) : source;
}
