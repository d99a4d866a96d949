/**
 * The one way into a run, whichever door asks: attach to the same request, or admit, create and run a new one.
 * The first half is synchronous, so that two equal starts can never both create; limits that need waiting come after.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Principal } from '../auth/port.ts';
import type { StreamRequest } from '../protocol/frames.ts';
import { RelayError } from '../protocol/relay-error.ts';
import type { StreamLogs } from '../stream-log/port.ts';
import type { Observer } from './port.ts';
import { prepareRequest, type RequestPolicy, requestHash } from './prepare-request.ts';
import { Stream, type StreamParts } from './stream.ts';
import type { StreamRegistry } from './stream-registry.ts';

export interface StartLimit {
  /** Counts one start. @throws RelayError rate_limited with `retryAfterMs` */
  take(userId: string, startsPerMinute: number): Promise<void>;
}

/** What a plan lets one user do, through all doors together. */
export interface UserLimits {
  /** Live runs at once. */
  readonly streams: number;
  readonly startsPerMinute: number;
}

export interface StarterParts extends StreamParts {
  readonly registry: StreamRegistry;
  readonly logs: StreamLogs;
  readonly policy: RequestPolicy;
  readonly startLimit: StartLimit;
  readonly observer: Observer;
  readonly limitsOf: (principal: Principal) => UserLimits;
}

export interface StartCommand {
  readonly principal: Principal;
  /** Undefined where the caller named none: the relay mints one, and the run does not outlive its caller. */
  readonly id: string | undefined;
  readonly request: StreamRequest;
  readonly connectionId: string | null;
}

export interface Started {
  readonly stream: Stream;
  /** The run was there already. */
  readonly attached: boolean;
}

export class StreamStarter {
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
   * `accepted`, or `refused` where a later check fails.
   * @throws RelayError conflict, shutting_down, too_many_streams, and those of `prepareRequest`
   */
  start({ principal, id, request, connectionId }: StartCommand): Started {
    const hash = requestHash(request);
    const existing = id === undefined ? undefined : this.#parts.registry.find(principal.userId, id);
    if (existing !== undefined) {
      if (existing.requestHash === hash) return { stream: existing, attached: true };
      throw new RelayError('conflict', 'this id belongs to another request; use a new one');
    }
    const prepared = prepareRequest(request, this.#parts.policy);
    const { streams, startsPerMinute } = this.#parts.limitsOf(principal);
    this.#admit(principal, streams);
    const stream = new Stream(
      {
        id: id ?? mint(16),
        epoch: mint(12),
        principal,
        request,
        requestHash: hash,
        prepared,
        onDisconnect: request.onDisconnect ?? (id === undefined ? 'cancel' : 'resume'),
        userHash: createHash('sha256').update(`dash-relay:${principal.userId}`).digest('hex').slice(0, 32),
        log: this.#parts.logs.create(),
        connectionId,
      },
      this.#parts,
    );
    this.#parts.registry.add(stream);
    void this.#run(stream, startsPerMinute);
    return { stream, attached: false };
  }

  #admit(principal: Principal, streams: number): void {
    if (this.draining)
      throw new RelayError('shutting_down', 'this server is restarting; reconnect and start again');
    if (this.overloaded) throw new RelayError('unavailable', 'this server is busy; try again in a moment');
    if (this.#parts.registry.liveOf(principal.userId) >= streams) {
      throw new RelayError('too_many_streams', `at most ${streams} answers at once; wait for one to end`);
    }
  }

  async #run(stream: Stream, startsPerMinute: number): Promise<void> {
    const { registry, startLimit, observer } = this.#parts;
    try {
      await startLimit.take(stream.userId, startsPerMinute);
      await stream.run();
      registry.ended(stream);
    } catch (cause) {
      const error = RelayError.from(cause);
      registry.remove(stream);
      stream.refuse(error);
      const { id: streamId, userId } = stream;
      observer.refused({
        connectionId: null,
        userId,
        streamId,
        of: 'start',
        code: error.code,
        cause: error.cause,
      });
    }
  }
}

function mint(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}
