/** What this machine says of itself to load balancers and to its own doors: read anew at each look. */
export interface Health {
  /**
   * `starting`: no key set yet. `upstream_account`: the account at the model's API does not work, and has not since the
   * start. Only `ready` takes traffic.
   */
  readonly state: 'starting' | 'ready' | 'draining' | 'overloaded' | 'upstream_account';
  /** Reported, never failed: streams go on without Postgres and Redis, and say why where the account fails. */
  readonly dependencies?: Readonly<Record<string, 'up' | 'down'>> | undefined;
}
