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
import { within } from '../time/outage.ts';
import type { KeptRuns } from './kept-runs.ts';
import type { Claim, Cluster, StartLimit, UserLimits } from './port.ts';
import { didNotBegin, switchedOff, tokenRevoked, tooManyStarts, tooManyStreams } from './refusals.ts';
import type { RunRegistry } from './registry.ts';
import { hashOfRequest, keepMsOf, prepareRequest, type RequestPolicy } from './request.ts';
import { Run, type RunParts, type RunSpec } from './run.ts';
import type { RunView } from './run-view.ts';
import type { UndecidedStarts } from './undecided-starts.ts';

export interface StarterParts extends RunParts {
  readonly registry: RunRegistry;
  readonly logs: StreamLogs;
  /** Absent where this is the only machine. */
  readonly cluster: Cluster | undefined;
  /** Absent where no answers are kept. */
  readonly kept: KeptRuns | undefined;
  /** Of those that wait for kept answers. */
  readonly undecided: UndecidedStarts;
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
  /** By the caller's word nobody has used that id before: no answer of it is kept. */
  readonly isFresh?: boolean;
  readonly request: StreamRequest;
  readonly caller: Caller;
  /** The header by that name of the request, or of the upgrade of the connection. */
  readonly traceparent?: string | undefined;
}

type NamedCommand = StartCommand & { readonly id: string };

/** How long a start waits for kept answers at most, ms: then it begins as if there were none. */
const KEPT_WITHIN_MS = 250;

/** A start that passed every check which needs no waiting. */
type Draft = Omit<RunSpec, 'userHash' | 'log'> & { readonly limits: UserLimits };

/** What a start came to so far. */
type Candidate =
  | { readonly existing: RunView }
  | { readonly run: Run; readonly limits: UserLimits; readonly claim: Claim | undefined };

type Claimed = Awaited<ReturnType<Cluster['claim']>>;

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
    const { cluster, kept } = this.#parts;
    if (kept !== undefined && command.id !== undefined && command.isFresh !== true)
      return this.#startInTurn({ ...command, id: command.id }, requestHash, kept, join);
    const draft = this.#draft(command, requestHash);
    if (cluster !== undefined) return this.#startAmongMany(draft, cluster, join);
    this.#create(draft, undefined, join);
    return undefined;
  }

  /** @throws RelayError why it may not begin */
  #draft(command: StartCommand, requestHash: string): Draft {
    const { principal, request } = command;
    const policy = this.#parts.policy();
    const prepared = prepareRequest(request, principal, policy, this.#parts.clock.now());
    const limits = this.#parts.limitsOf(principal);
    this.#admit(principal, limits);
    return {
      ...command,
      limits,
      id: command.id ?? mint(16),
      epoch: mint(12),
      requestHash,
      prepared,
      keepMs: keepMsOf(request, principal, policy),
      onDisconnect: request.onDisconnect ?? (command.id === undefined ? 'cancel' : 'resume'),
    };
  }

  #attach(run: RunView, requestHash: string, join: (started: Started) => void): void {
    if (run.requestHash !== requestHash)
      throw new RelayError('conflict', 'this id belongs to another request; use a new one');
    // Its machine was given up in between: nobody would tell those who join now.
    if (run.isLost && !run.accepted) throw didNotBegin();
    join({ run, attached: true });
  }

  /** The same request may run on another machine, or have come twice while that was found out. */
  async #startAmongMany(draft: Draft, cluster: Cluster, join: (started: Started) => void): Promise<void> {
    const claimed = this.#unlessHere(draft, await this.#claim(draft, cluster));
    if ('run' in claimed) return this.#attach(claimed.run, draft.requestHash, join);
    try {
      this.#admit(draft.principal, draft.limits);
      this.#create(draft, claimed.claim, join);
    } catch (error) {
      claimed.claim.release();
      throw error;
    }
  }

  #claim(draft: Draft, cluster: Cluster): ReturnType<Cluster['claim']> {
    const { principal, id, epoch, requestHash, prepared, request, limits } = draft;
    const { userId } = principal;
    const { action } = request;
    return cluster.claim({ userId, id, epoch, requestHash, action, model: prepared.model }, limits);
  }

  /** To be asked in the turn in which the claim is acted on: its like may have begun here in the one before. */
  #unlessHere({ principal, id }: Draft, claimed: Claimed): Claimed {
    const here = this.#parts.registry.find(principal.userId, id);
    if (here === undefined) return claimed;
    if ('claim' in claimed) claimed.claim.release();
    return { run: here };
  }

  /** One after the other: two equal starts must never both create. */
  #startInTurn(
    command: NamedCommand,
    requestHash: string,
    kept: KeptRuns,
    join: (started: Started) => void,
  ): Promise<void> {
    const { undecided } = this.#parts;
    const { userId } = command.principal;
    const before = undecided.of(userId, command.id);
    if (before !== undefined) return before.then(() => this.start(command, join));
    return undecided.add(userId, command.id, this.#startUnlessKept(command, requestHash, kept, join));
  }

  /**
   * Its answer may be kept: that is asked beside the claim and the reservation, and nothing of these is left where it is.
   * What may not begin any more is read back all the same.
   */
  async #startUnlessKept(
    command: NamedCommand,
    requestHash: string,
    kept: KeptRuns,
    join: (started: Started) => void,
  ): Promise<void> {
    const { principal, id } = command;
    const asking = this.#inTime(kept.find(principal.userId, id));
    let candidate: Candidate;
    try {
      candidate = await this.#candidate(command, requestHash);
    } catch (refusal) {
      const run = await asking;
      if (run === undefined) throw refusal;
      return this.#attach(run, requestHash, join);
    }
    if ('existing' in candidate) return this.#attach(candidate.existing, requestHash, join);
    const { run, limits, claim } = candidate;
    try {
      const existing = (await asking) ?? this.#parts.registry.find(principal.userId, id);
      if (existing === undefined) {
        this.#admit(principal, limits);
        this.#begin(run, limits, claim, join);
        return;
      }
      this.#attach(existing, requestHash, join);
    } catch (error) {
      this.#withdraw(run, claim);
      throw error;
    }
    this.#withdraw(run, claim);
  }

  /** A run that is prepared, and nowhere yet; or one that another machine has. */
  async #candidate(command: StartCommand, requestHash: string): Promise<Candidate> {
    const { cluster } = this.#parts;
    const draft = this.#draft(command, requestHash);
    const claimed = cluster && this.#unlessHere(draft, await this.#claim(draft, cluster));
    if (claimed !== undefined && 'run' in claimed) return { existing: claimed.run };
    const run = this.#runOf(draft);
    run.prepare();
    return { run, limits: draft.limits, claim: claimed?.claim };
  }

  #withdraw(run: Run, claim: Claim | undefined): void {
    claim?.release();
    run.withdraw();
  }

  /** Undefined also where nobody can say in time: no start waits for a place that is slow or away. */
  async #inTime(finding: Promise<RunView | undefined>): Promise<RunView | undefined> {
    return await within(this.#parts.clock, KEPT_WITHIN_MS, finding).catch(() => undefined);
  }

  #create(draft: Draft, claim: Claim | undefined, join: (started: Started) => void): void {
    this.#begin(this.#runOf(draft), draft.limits, claim, join);
  }

  #runOf(draft: Draft): Run {
    const userHash = this.#parts.policy().userHash(draft.principal.userId);
    return new Run({ ...draft, userHash, log: this.#parts.logs.create() }, this.#parts);
  }

  #begin(run: Run, limits: UserLimits, claim: Claim | undefined, join: (started: Started) => void): void {
    this.#parts.registry.add(run);
    join({ run, attached: false });
    void this.#run(run, limits, claim);
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
