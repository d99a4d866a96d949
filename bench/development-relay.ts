/** A relay of a checkout in a process of its own, in development, before a simulated model of this process. */
import type { Simulator } from '../src/simulator/simulator.ts';
import { freePort } from '../test/support/free-port.ts';
import type { Environment } from './subjects/port.ts';
import { startServer } from './subjects/server-process.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface DevelopmentRelay extends AsyncDisposable {
  readonly url: string;
  /** Of a user whose plan has no limits; the same for an hour. */
  readonly token: string;
}

const READY_PATH = '/readyz';

export async function startDevelopmentRelay(
  directory: string,
  simulator: Simulator,
  environment: Environment = {},
): Promise<DevelopmentRelay> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const data = temporaryDirectory('development-relay');
  const server = await startServer({
    name: 'relay',
    command: process.execPath,
    args: ['src/main.ts'],
    workingDirectory: directory,
    environment: {
      PORT: String(port),
      HOST: '127.0.0.1',
      DATA_DIR: data.path,
      DASH_DEVELOPMENT: '1',
      ANTHROPIC_API_KEY: 'bench',
      ANTHROPIC_BASE_URL: simulator.url,
      STARTS_PER_MINUTE: '1000000',
      ...environment,
    },
    ready: async () => (await fetch(`${url}${READY_PATH}`).catch(() => null))?.ok === true,
    port,
  });
  return {
    url,
    token: await developmentToken(url),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      data[Symbol.dispose]();
    },
  };
}

async function developmentToken(url: string): Promise<string> {
  const response = await fetch(`${url}/dev/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sub: '00000000-0000-4000-8000-000000000001', tier: 'enterprise' }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}
