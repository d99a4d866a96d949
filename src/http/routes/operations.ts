/** What load balancers and Prometheus ask for, and what this machine says of itself. No token, no user's data. */
import type { RouteHandlerMethod } from 'fastify';
import type { Overload } from '../../observability/port.ts';
import type { WorkerState, WorkerStates } from '../../workers/messages.ts';

/** Read anew at each look. */
export interface Health {
  /**
   * `starting`: no key set yet. `upstream_account`: the account at the model's API does not work, and has not since the
   * start. Only `ready` takes traffic.
   */
  readonly state: 'starting' | 'ready' | 'draining' | 'overloaded' | 'upstream_account';
  /** Why it is `overloaded`; undefined where it is not. */
  readonly overload?: Overload | undefined;
  /** Reported, never failed: streams go on without Postgres and Redis, and say why where the account fails. */
  readonly dependencies?: Readonly<Record<string, 'up' | 'down'>> | undefined;
  /** Likewise: models in use that retire or are gone, or that are other than the models file says. */
  readonly models?: readonly object[] | undefined;
  /** What the operator's switches say here, and where they say it, as an object to be sent as JSON. */
  readonly switches?: object | undefined;
  /** Of a process that is one of several: how all of them are; undefined where that is not to be known now. */
  readonly workers?: (() => Promise<WorkerStates | undefined>) | undefined;
}

/** What the health of a machine follows from. */
export interface HealthSources {
  readonly relay: { readonly draining: boolean; readonly overloads: ReadonlySet<Overload> };
  readonly authenticator: { readonly ready: boolean };
  readonly account: { readonly state: string; readonly hasWorked: boolean };
  /** Whether each is up; undefined for what is not set up, which is not reported. */
  readonly dependencies: () => Readonly<Record<string, boolean | undefined>>;
  /** What is to be said of models; nothing is not reported. */
  readonly models: () => readonly object[];
  readonly switches: () => object;
  readonly workers?: Health['workers'];
}

export function healthOf(sources: HealthSources): Health {
  const { relay, authenticator, account, dependencies, models, switches } = sources;
  return {
    get state(): Health['state'] {
      if (relay.draining) return 'draining';
      if (relay.overloads.size > 0) return 'overloaded';
      if (!authenticator.ready) return 'starting';
      // One that stopped working did so for all machines: a balancer that leaves them all hides the reason from users.
      return account.state === 'fails' && !account.hasWorked ? 'upstream_account' : 'ready';
    },
    get overload(): Health['overload'] {
      const [overload] = relay.overloads;
      return overload;
    },
    get dependencies(): Health['dependencies'] {
      const known = Object.entries(dependencies()).flatMap(([name, up]) =>
        up === undefined ? [] : [[name, up ? 'up' : 'down'] as const],
      );
      return known.length === 0 ? undefined : Object.fromEntries(known);
    },
    get models(): Health['models'] {
      const found = models();
      return found.length === 0 ? undefined : found;
    },
    get switches(): object {
      return switches();
    },
    workers: sources.workers,
  };
}

/** `live` for `/healthz`: the process answers. `ready` for `/readyz`: it may take traffic. */
export function healthHandlers(health: Health): Record<'live' | 'ready', RouteHandlerMethod> {
  return {
    live: () => ({ status: 'ok' }),
    async ready(_request, reply) {
      const workers = await health.workers?.();
      const { state, overload, dependencies, models, switches } = health;
      const status = state === 'ready' ? stateOf(workers) : state;
      reply.code(status === 'ready' ? 200 : 503);
      return { status, overload, dependencies, models, switches, workers };
    },
  };
}

/** A machine is ready once all of its workers are. One that is begun again is dealt no connection: the others serve. */
function stateOf(workers: WorkerStates = {}): WorkerState {
  return Object.values(workers).find((state) => state !== 'ready' && state !== 'restarting') ?? 'ready';
}

/** A Prometheus registry, as far as it is served. */
export interface MetricsSource {
  readonly contentType: string;
  metrics(): Promise<string>;
}

export function metricsHandler(source: MetricsSource): RouteHandlerMethod {
  return (_request, reply) => {
    reply.type(source.contentType);
    return source.metrics();
  };
}
