/** A folder as a web server has it, with addresses in its scripts replaced: what was built does not know the test's ports. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

export interface StaticPage extends AsyncDisposable {
  readonly origin: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
};

/** @param addresses by what stands in their place, read with each request */
export async function servePage(folder: string, addresses: ReadonlyMap<string, string>): Promise<StaticPage> {
  const server = createServer(async ({ url = '/' }, response) => {
    const [asked = '/'] = url.split('?');
    const path = asked.endsWith('/') ? `${asked}index.html` : asked;
    const type = TYPES[extname(path)];
    const text = type && (await readFile(join(folder, path), 'utf8').catch(() => undefined));
    if (text === undefined) {
      response.writeHead(204).end(); // a favicon
      return;
    }
    let served = text;
    for (const [from, to] of addresses) served = served.replaceAll(from, to);
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(served);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
