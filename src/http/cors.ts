import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

/** Lets pages of the allowed origins read the answers. Others get no allow header, so their browsers refuse. */
export function allowOrigins(app: FastifyInstance, allowed: readonly string[]): void {
  app.register(cors, {
    // A function, because a list would still send a foreign preflight the headers that name methods.
    origin: (origin, answer) => answer(null, origin !== undefined && allowed.includes(origin)),
    methods: ['GET', 'POST', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'last-event-id'],
    exposedHeaders: ['retry-after', 'x-request-id'],
    maxAge: 600,
    strictPreflight: false,
  });
}
