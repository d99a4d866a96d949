/**
 * The one way into a run, whichever transport asks: attach to the same request, or admit, create and run a new one.
 * The first half is synchronous, so that two equal starts can never both create; limits that need waiting come after.
 */
import { randomFillSync } from 'node:crypto';
import type { Principal } from '../auth/port.ts';
import type { Caller, Overload } from '../observability/port.ts';
import type { StreamRequest } from '../protocol/frames.ts';
import { RelayError } from '../protocol/relay-error.ts';
import type { StreamLogs } from '../stream-log/port.ts';
import type { Claim, Cluster, StartLimit, UserLimits } from './port.ts';
import { switchedOff, tokenRevoked, tooManyStarts, tooManyStreams } from './refusals.ts';
import type { RunRegistry } from './registry.ts';
import { hashOfRequest, prepareRequest, type RequestPolicy } from './request.ts';
import { Run, type RunParts, type RunSpec } from './run.ts';
import type { RunView } from './run-view.ts';

export interface StarterParts extends RunParts {
  readonly registry: RunRegistry;
  readonly logs: StreamLogs;
  /** Absent where this is the only machine. */
  readonly cluster: Cluster | undefined;
  /** At this moment: a run keeps what it began with. */
  readonly policy: () => RequestPolicy;
  readonly startLimit: StartLimit;
  readonly limitsOf: (principal: Principal) => UserLimits;
  /** Whether the token of a principal is revoked, at this moment: it was not when it was verified. */
  readonly isRevoked: (principal: Principal) => boolean;
  /** The operator's kill switch, at this moment: what runs goes on, nothing is added. */
  readonly isEnabled: () => boolean;
}

export interface StartCommand {
  readonly principal: Principal;
  /** Undefined where the caller named none: the relay mints one, and the run does not outlive its caller. */
  readonly id: string | undefined;
  readonly request: StreamRequest;
  readonly caller: Caller;
  /** The header by that name of the request, or of the upgrade of the connection. */
  readonly traceparent?: string | undefined;
}

/** A start that passed every check which needs no waiting. */
type Draft = Omit<RunSpec, 'userHash' | 'log'> & { readonly limits: UserLimits };

export interface Started {
  readonly run: RunView;
  /** The run was there already. */
  readonly attached: boolean;
}

export class RunStarter {
  /** Set while the process drains: nothing new starts then. */
  draining = false;
  /** Why nothing new is taken, where it is not: what runs goes on, nothing is added. */
  readonly overloads = new Set<Overload>();
  readonly #parts: StarterParts;

  constructor(parts: StarterParts) {
    this.#parts = parts;
  }

  /**
   * Finds the run of this request or creates one. A created one begins in the background; its readers are told
   * `accepted`, or `refused` where a later check fails. `join` is called in the turn in which the run is found or
   * created: before this returns, unless other machines are asked first.
   * @throws RelayError conflict, shutting_down, too_many_streams, and those of `prepareRequest`
   */
  start(command: StartCommand, join: (started: Started) => void): Promise<void> | undefined {
    const { principal, request } = command;
    const requestHash = hashOfRequest(request);
    const existing =
      command.id === undefined ? undefined : this.#parts.registry.find(principal.userId, command.id);
    if (existing !== undefined) {
      this.#attach(existing, requestHash, join);
      return undefined;
    }
    const prepared = prepareRequest(request, principal, this.#parts.policy(), this.#parts.clock.now());
    const limits = this.#parts.limitsOf(principal);
    this.#admit(principal, limits);
    const draft = {
      ...command,
      limits,
      id: command.id ?? mint(16),
      epoch: mint(12),
      requestHash,
      prepared,
      onDisconnect: request.onDisconnect ?? (command.id === undefined ? 'cancel' : 'resume'),
    };
    const { cluster } = this.#parts;
    if (cluster !== undefined) return this.#startAmongMany(draft, cluster, join);
    this.#create(draft, undefined, join);
    return undefined;
  }

  #attach(run: RunView, requestHash: string, join: (started: Started) => void): void {
    if (run.requestHash !== requestHash)
      throw new RelayError('conflict', 'this id belongs to another request; use a new one');
    join({ run, attached: true });
  }

  /** The same request may run on another machine, or have come twice while that was found out. */
  async #startAmongMany(draft: Draft, cluster: Cluster, join: (started: Started) => void): Promise<void> {
    const { principal, id, epoch, requestHash, prepared, request, limits } = draft;
    const { userId } = principal;
    const { action } = request;
    const run = { userId, id, epoch, requestHash, action, model: prepared.model };
    const claimed = await cluster.claim(run, limits);
    const claim = 'claim' in claimed ? claimed.claim : undefined;
    const existing = this.#parts.registry.find(userId, id) ?? ('run' in claimed ? claimed.run : undefined);
    if (existing !== undefined) {
      claim?.release();
      return this.#attach(existing, requestHash, join);
    }
    try {
      this.#admit(principal, limits);
      this.#create(draft, claim, join);
    } catch (error) {
      claim?.release();
      throw error;
    }
  }

  #create(draft: Draft, claim: Claim | undefined, join: (started: Started) => void): void {
    const userHash = this.#parts.policy().userHash(draft.principal.userId);
    const run = new Run({ ...draft, userHash, log: this.#parts.logs.create() }, this.#parts);
    this.#parts.registry.add(run);
    join({ run, attached: false });
    void this.#run(run, draft.limits, claim);
  }

  #admit(principal: Principal, { streams }: UserLimits): void {
    if (this.#parts.isRevoked(principal)) throw tokenRevoked();
    if (!this.#parts.isEnabled()) throw switchedOff();
    if (this.draining)
      throw new RelayError('shutting_down', 'this server is restarting; reconnect and start again');
    const [cause] = this.overloads;
    if (cause !== undefined)
      throw new RelayError('unavailable', 'this server is busy; try again in a moment', { cause });
    if (this.#parts.registry.liveOf(principal.userId) >= streams) throw tooManyStreams(streams);
  }

  async #count(userId: string, startsPerMinute: number): Promise<void> {
    const retryAfterMs = await this.#parts.startLimit.take(userId, startsPerMinute);
    if (retryAfterMs !== undefined) throw tooManyStarts(startsPerMinute, retryAfterMs);
  }

  async #run(run: Run, { startsPerMinute }: UserLimits, claim: Claim | undefined): Promise<void> {
    const { registry } = this.#parts;
    try {
      if (claim?.isCounted !== true) await this.#count(run.userId, startsPerMinute);
      await run.run(claim, (accepted) => registry.accepted(accepted));
      registry.ended(run);
      claim?.ended();
    } catch (cause) {
      claim?.release();
      registry.remove(run);
      run.refuse(RelayError.from(cause)); // whoever asked is told, and tells the observer
    }
  }
}

/** Asking the system each time for the few bytes of an id cost 4 % of a start. */
const randomness = Buffer.alloc(4096);
let unused = 0;

function mint(bytes: number): string {
  if (unused < bytes) {
    randomFillSync(randomness);
    unused = randomness.length;
  }
  unused -= bytes;
  return randomness.toString('base64url', unused, unused + bytes);
}
