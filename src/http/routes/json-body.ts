/** Request bodies: JSON and nothing else, judged by its size and shape before it is parsed. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { requireBoundedBody } from '../../protocol/parse-client-frame.ts';

type Done = (error: Error | null, body?: unknown) => void;
export type BodyParser = (request: FastifyRequest, body: string, done: Done) => void;

export function readJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, jsonBodyParser(app));
}

/** Fastify's own, which refuses fields that reach into prototypes, behind the bounds. */
export function jsonBodyParser(app: FastifyInstance): BodyParser {
  const parse = app.getDefaultJsonParser('error', 'error') as BodyParser;
  return (request, body, done) => {
    try {
      requireBoundedBody(body);
    } catch (error) {
      return done(error as Error);
    }
    parse(request, body, done);
  };
}
