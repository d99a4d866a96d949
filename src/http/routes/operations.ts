/** What load balancers and Prometheus ask for. No token, no user's data. */
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify';
import type { Health } from '../health.ts';

/** A Prometheus registry, as far as it is served. */
export interface MetricsSource {
  readonly contentType: string;
  metrics(): Promise<string>;
}

const HEALTH = { config: { access: 'health' } } as const;

/** `/healthz`: the process answers. `/readyz`: it may take traffic. */
export function healthRoutes(app: FastifyInstance, health: Health): void {
  app.get('/healthz', HEALTH, () => ({ status: 'ok' }));
  app.get('/readyz', HEALTH, (_request, reply) => {
    const { state, dependencies } = health;
    reply.code(state === 'ready' ? 200 : 503);
    return { status: state, ...(dependencies === undefined ? {} : { dependencies }) };
  });
}

/** @param guard of the public port; a port of its own needs none */
export function metricsRoute(
  app: FastifyInstance,
  source: MetricsSource,
  guard: onRequestAsyncHookHandler[] = [],
): void {
  app.get('/metrics', { onRequest: guard }, (_request, reply) => {
    reply.type(source.contentType);
    return source.metrics();
  });
}
