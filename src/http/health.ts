/** What this machine says of itself to load balancers and to its own doors. */
export interface Health {
  /** `starting`: no key set yet. Only `ready` takes traffic. */
  readonly state: 'starting' | 'ready' | 'draining' | 'overloaded';
  /** Reported, never failed: streams go on without Postgres and Redis. */
  readonly dependencies?: Readonly<Record<string, 'up' | 'down'>>;
}
