import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../../src/config/environment.ts';
import { dataDirectory } from './relay-process.ts';
import { compileCache, relayProgram } from './relay-program.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** The relay's process in an environment in which it must not start. */
export async function startInVain(environment: Environment): Promise<Ended> {
  using data = dataDirectory();
  const [program, cache] = [await relayProgram('main'), await compileCache()];
  return await new Promise<Ended>((resolve) => {
    const env = { PATH: process.env['PATH'], ...cache, DATA_DIR: data.path, PORT: '0', ...environment };
    const child = execFile(
      process.execPath,
      [program],
      { cwd: ROOT, env, timeout: 120_000 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
}
