/** Pages of test/react/page, bundled as an app's own build would: react-native is react-native-web. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Of React: `development` renders twice and warns, `production` is what people get. */
export type Mode = 'development' | 'production';

export interface BundledPage {
  readonly origin: string;
  close(): void;
}

/** `name`: of a module in test/react/page. */
export async function serveBundle(name: string, mode: Mode): Promise<BundledPage> {
  const script = await bundle(name, mode);
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html; charset=utf-8' });
    response.end(isScript ? script : HTML);
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

async function bundle(name: string, mode: Mode): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../react/page/${name}.tsx`, import.meta.url))],
    bundle: true,
    format: 'iife',
    jsx: 'automatic',
    alias: { 'react-native': 'react-native-web' },
    define: { 'process.env.NODE_ENV': JSON.stringify(mode) },
    minifySyntax: true, // leaves out what is only for the other mode
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}

const HTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Assistant</title>
<style>html, body { height: 100%; margin: 0 } #root { display: flex; height: 100% }</style>
<div id="root"></div>
<script src="/page.js"></script>
</html>`;
