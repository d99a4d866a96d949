/** Metro and what it is told: with what is installed here, or, in the long run of the tests, as apps have it. */
import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NODE_MODULES, requireOfReactNative } from './react-native-source.ts';

export interface Toolchain {
  runBuild(config: object, options: object): Promise<unknown>;
  /** Of the app in this folder. */
  configOf(projectRoot: string): object;
}

interface Metro {
  mergeConfig(...configs: readonly object[]): object;
  readonly runBuild: Toolchain['runBuild'];
}

const requireOfPlugin = createRequire(requireOfReactNative.resolve('@react-native/community-cli-plugin'));
const { version }: { version: string } = requireOfReactNative('./package.json');
const INSTALLED = [
  `@react-native/metro-config@${version}`,
  `@react-native/babel-preset@${version}`,
  '@babel/runtime@7',
];

/** What @react-native/metro-config sets, as far as it bears on which modules are taken and how. */
export function ownToolchain(): Toolchain {
  const { runBuild }: Metro = requireOfPlugin('metro');
  return {
    runBuild,
    configOf: (projectRoot) => ({
      ...commonConfig(projectRoot),
      resolver: {
        resolverMainFields: ['react-native', 'browser', 'main'],
        platforms: ['android', 'ios', 'native'],
        unstable_conditionNames: ['react-native'],
        useWatchman: false,
      },
      transformerPath: fileURLToPath(new URL('metro-worker.ts', import.meta.url)),
      transformer: {
        babelTransformerPath: fileURLToPath(new URL('metro-transformer.ts', import.meta.url)),
        assetRegistryPath: 'react-native/asset-registry',
        enableBabelRuntime: false,
        getTransformOptions: async () => ({
          transform: { experimentalImportSupport: true, inlineRequires: true },
        }),
      },
    }),
  };
}

/** React Native's own configuration and Babel preset, from the registry. Gone when disposed of. */
export async function installToolchain(): Promise<Toolchain & AsyncDisposable> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'dash-relay-metro-')));
  const tools = join(folder, 'node_modules');
  await writeFile(join(folder, 'package.json'), '{}');
  const install = ['install', '--silent', '--no-audit', '--no-fund', '--legacy-peer-deps', ...INSTALLED];
  await promisify(execFile)('npm', install, { cwd: folder });
  const requireOfTools = createRequire(join(folder, 'package.json'));
  const { getDefaultConfig }: { getDefaultConfig(projectRoot: string): object } = requireOfTools(
    '@react-native/metro-config',
  );
  const { mergeConfig, runBuild }: Metro = requireOfTools('metro');
  return {
    runBuild,
    configOf: (projectRoot) =>
      mergeConfig(getDefaultConfig(projectRoot), commonConfig(projectRoot), {
        watchFolders: [projectRoot, NODE_MODULES, tools],
        resolver: { nodeModulesPaths: [tools], useWatchman: false },
      }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function commonConfig(projectRoot: string): object {
  return {
    projectRoot,
    watchFolders: [projectRoot, NODE_MODULES],
    maxWorkers: 1, // in this process: others would load the parsers anew for each bundle
    cacheStores: [],
    reporter: { update() {} },
    serializer: {
      getModulesRunBeforeMainModule: () => [requireOfReactNative.resolve('./src/setup-env.js')],
    },
  };
}
