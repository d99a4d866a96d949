/** The demo page, in development only: `/` and, beside it, the files of its directory. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { RelayError } from '../protocol/relay-error.ts';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};
/** One plain name: no way leads out of the directory. */
const FILE_NAME = /^[a-z0-9-]+\.(html|js|css|svg)$/;

/** Nothing from elsewhere, nothing inline; `connect-src 'self'` covers the WebSocket of the same host. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function demoRoutes(app: FastifyInstance, directory: string): void {
  app.get('/', (_request, reply) => sendFile(reply, directory, 'index.html'));
  app.get<{ Params: { file: string } }>('/demo/:file', ({ params }, reply) =>
    sendFile(reply, directory, params.file),
  );
}

async function sendFile(reply: FastifyReply, directory: string, name: string): Promise<Buffer> {
  const type = TYPES[FILE_NAME.exec(name)?.[1] ?? ''];
  if (type === undefined) throw new RelayError('not_found', 'there is nothing here');
  const file = await readFile(join(directory, name)).catch(() => {
    throw new RelayError('not_found', 'the demo is not built');
  });
  reply.type(type).header('content-security-policy', CONTENT_SECURITY_POLICY);
  return file;
}
