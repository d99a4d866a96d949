/**
 * The one way into a run, whichever door asks: attach to the same request, or admit, create and run a new one.
 * The first half is synchronous, so that two equal starts can never both create; limits that need waiting come after.
 */
import { hash, randomBytes } from 'node:crypto';
import type { Principal } from '../auth/port.ts';
import type { RunRecord, SharedRuns } from '../cluster/port.ts';
import { PublishedRun } from '../cluster/published-run.ts';
import type { RemoteRuns } from '../cluster/remote-runs.ts';
import type { Caller } from '../observability/port.ts';
import type { StreamRequest } from '../protocol/frames.ts';
import { RelayError } from '../protocol/relay-error.ts';
import type { StreamLogs } from '../stream-log/port.ts';
import type { RunRegistry } from './registry.ts';
import { hashOfRequest, prepareRequest, type RequestPolicy } from './request.ts';
import { Run, type RunParts, type RunSpec } from './run.ts';
import type { RunView } from './run-view.ts';

export interface StartLimit {
  /** Counts one start. @throws RelayError rate_limited with `retryAfterMs` */
  take(userId: string, startsPerMinute: number): Promise<void>;
}

/** A start that finds its id claimed by a run which is then refused looks again so often. */
const CLAIM_ATTEMPTS = 3;

/** What a plan lets one user do, through all doors together. */
export interface UserLimits {
  /** Live runs at once. */
  readonly streams: number;
  readonly startsPerMinute: number;
}

export interface StarterParts extends RunParts {
  readonly registry: RunRegistry;
  readonly logs: StreamLogs;
  /** Both absent where this is the only machine. */
  readonly shared?: SharedRuns | undefined;
  readonly remotes: RemoteRuns | undefined;
  readonly policy: RequestPolicy;
  readonly startLimit: StartLimit;
  readonly limitsOf: (principal: Principal) => UserLimits;
}

export interface StartCommand {
  readonly principal: Principal;
  /** Undefined where the caller named none: the relay mints one, and the run does not outlive its caller. */
  readonly id: string | undefined;
  readonly request: StreamRequest;
  readonly caller: Caller;
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
  /** Set while memory is short: what runs goes on, nothing is added. */
  overloaded = false;
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
    const prepared = prepareRequest(request, this.#parts.policy);
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
    const { shared } = this.#parts;
    if (shared !== undefined) return this.#startAmongMany(draft, shared, join);
    this.#create(draft, undefined, join);
    return undefined;
  }

  #attach(run: RunView, requestHash: string, join: (started: Started) => void): void {
    if (run.requestHash !== requestHash)
      throw new RelayError('conflict', 'this id belongs to another request; use a new one');
    join({ run, attached: true });
  }

  /** The same request may run on another machine, or have come twice while that was found out. */
  async #startAmongMany(draft: Draft, shared: SharedRuns, join: (started: Started) => void): Promise<void> {
    const { principal, id, epoch, requestHash, prepared, request, limits } = draft;
    const { registry } = this.#parts;
    const { userId } = principal;
    const { action } = request;
    const record = {
      userId,
      id,
      epoch,
      requestHash,
      action,
      model: prepared.model,
      owner: shared.machine,
    };
    const elsewhere = await this.#claim(record, limits.streams, shared);
    const existing = registry.find(userId, id) ?? elsewhere;
    if (existing !== undefined) {
      shared.release(record);
      return this.#attach(existing, requestHash, join);
    }
    try {
      this.#admit(principal, limits);
    } catch (error) {
      shared.release(record);
      throw error;
    }
    this.#create(draft, record, join);
  }

  /**
   * Claims the id, or gives the run that has it. One that its own machine refuses meanwhile frees the id: then it is
   * this machine's turn to judge the request.
   */
  async #claim(record: RunRecord, streams: number, shared: SharedRuns): Promise<RunView | undefined> {
    for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt += 1) {
      const claim = await shared.claim(record, streams);
      if (claim === 'too_many') throw tooMany(streams);
      if (claim === 'claimed') return undefined;
      const existing =
        this.#parts.registry.find(record.userId, record.id) ?? (await this.#parts.remotes?.open(claim));
      if (existing !== 'refused') return existing;
    }
    throw new RelayError('unavailable', 'this run did not begin on another server; start again');
  }

  #create(draft: Draft, record: RunRecord | undefined, join: (started: Started) => void): void {
    const { userId } = draft.principal;
    const userHash = hash('sha256', `dash-relay:${userId}`).slice(0, 32);
    const run = new Run({ ...draft, userHash, log: this.#parts.logs.create() }, this.#parts);
    this.#parts.registry.add(run);
    join({ run, attached: false });
    void this.#run(run, draft.limits, record);
  }

  #admit(principal: Principal, { streams }: UserLimits): void {
    if (this.draining)
      throw new RelayError('shutting_down', 'this server is restarting; reconnect and start again');
    if (this.overloaded)
      throw new RelayError('unavailable', 'this server is busy; try again in a moment', {
        cause: 'memory',
      });
    if (this.#parts.registry.liveOf(principal.userId) >= streams) throw tooMany(streams);
  }

  async #run(run: Run, { startsPerMinute }: UserLimits, record: RunRecord | undefined): Promise<void> {
    const { registry, startLimit, shared } = this.#parts;
    let published: PublishedRun | undefined;
    try {
      await startLimit.take(run.userId, startsPerMinute);
      await run.run(() => {
        if (record !== undefined && shared !== undefined)
          published = new PublishedRun(run, record, shared, registry);
      });
      registry.ended(run);
      published?.wake();
    } catch (cause) {
      if (record !== undefined) shared?.release(record);
      registry.remove(run);
      run.refuse(RelayError.from(cause)); // whoever asked is told, and tells the observer
    }
  }
}

function mint(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

function tooMany(streams: number): RelayError {
  return new RelayError('too_many_streams', `at most ${streams} answers at once; wait for one to end`, {
    cause: 'streams_of_user',
  });
}
