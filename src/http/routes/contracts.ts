/**
 * `GET /v1/openapi.json` and `GET /v1/asyncapi.json`: the contract as `npm run docs:contracts` wrote it, for whoever generates
 * a client. The same for everybody; nothing of it is read before somebody asks.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RouteHandlerMethod } from 'fastify';

const FILES = {
  openApi: new URL('../../../docs/openapi.json', import.meta.url),
  asyncApi: new URL('../../../docs/asyncapi.json', import.meta.url),
};
/** Another release may be deployed at any time; who holds this one is answered in a few bytes then. */
const FOR_MINUTES = 'public, max-age=300';

interface Contract {
  readonly content: Buffer;
  readonly etag: string;
}

export function contractHandlers(): Record<keyof typeof FILES, RouteHandlerMethod> {
  return { openApi: handlerOf(FILES.openApi), asyncApi: handlerOf(FILES.asyncApi) };
}

function handlerOf(file: URL): RouteHandlerMethod {
  let reading: Promise<Contract> | undefined;
  return async ({ headers }, reply) => {
    reading ??= contractIn(file);
    const { content, etag } = await reading.catch((cause) => {
      reading = undefined; // no descriptor may have been left
      throw cause;
    });
    reply.headers({ etag, 'cache-control': FOR_MINUTES });
    if (isHeld(headers['if-none-match'], etag)) return reply.code(304).send();
    return reply.type('application/json; charset=utf-8').send(content);
  };
}

async function contractIn(file: URL): Promise<Contract> {
  const content = await readFile(file);
  return { content, etag: `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"` };
}

/** A proxy that compresses makes the tag a weak one; `*` is whatever there is. */
function isHeld(tags: string | undefined, etag: string): boolean {
  const held = tags?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return held.includes(etag) || held.includes('*');
}
