/** `npm run preview` of an example that is built, on a free port, in front of a relay. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface VitePreview extends AsyncDisposable {
  readonly url: string;
}

/** @throws Error with what Vite said, where it ended before it listened */
export async function startPreview(folder: string, relayUrl: string): Promise<VitePreview> {
  const vite = ['node_modules/vite/bin/vite.js', 'preview', '--host', '127.0.0.1', '--port', '0'];
  const child = spawn(process.execPath, vite, {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', DASH_RELAY_URL: relayUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = ''; // of connections that end with the test, too
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const exited = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.kill();
    await exited;
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /Local:\s+(\S+)/.exec(line) ?? [];
    if (url !== undefined) return { url, [Symbol.asyncDispose]: stop };
  }
  throw new Error(`vite preview ended before it listened: ${errors}`);
}
