/** Pages of test/react/page, bundled as an app's own build would: react-native is react-native-web. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { KATEX_LOADERS } from '../../scripts/katex-files.ts';

/** Of React: `development` renders twice and warns, `production` is what people get. */
export type Mode = 'development' | 'production';

export interface BundledPage {
  readonly origin: string;
  close(): void;
}

/**
 * `name`: of a module in test/react/page. What it loads when it is needed is a file of its own. `policy`: the page's
 * Content-Security-Policy.
 */
export async function serveBundle(name: string, mode: Mode, policy?: string): Promise<BundledPage> {
  const files = await bundle(name, mode);
  const server = createServer((request, response) => {
    const script = files.get(request.url ?? '');
    const isStyle = request.url === '/page.css';
    response.writeHead(200, {
      'content-type': script ? 'text/javascript' : isStyle ? 'text/css' : 'text/html; charset=utf-8',
      ...(policy !== undefined && { 'content-security-policy': policy }),
    });
    response.end(script ?? (isStyle ? STYLE : HTML));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Scripts by their paths. */
async function bundle(name: string, mode: Mode): Promise<ReadonlyMap<string, Uint8Array>> {
  const { outputFiles } = await build({
    entryPoints: { page: fileURLToPath(new URL(`../react/page/${name}.tsx`, import.meta.url)) },
    outdir: '/',
    bundle: true,
    format: 'esm',
    splitting: true,
    loader: KATEX_LOADERS,
    jsx: 'automatic',
    alias: { 'react-native': 'react-native-web' },
    define: { 'process.env.NODE_ENV': JSON.stringify(mode) },
    minifySyntax: true, // leaves out what is only for the other mode
    write: false,
  });
  return new Map(outputFiles.map(({ path, contents }) => [path, contents]));
}

const STYLE = 'html, body { height: 100%; margin: 0 } #root { display: flex; height: 100% }';

const HTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Assistant</title>
<link rel="stylesheet" href="/page.css">
<div id="root"></div>
<script type="module" src="/page.js"></script>
</html>`;
