/**
 * The admission of requests that are no handshake, before a byte of their body is read: the connection, the token, the
 * rate of its user, room for the body, a lease. A route says by its `config` what it asks for.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../auth/port.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import { tokenRevoked } from '../../run/refusals.ts';
import type { SharedLimits } from '../../workers/port.ts';
import { onClosed, onFirstClosed } from '../routes/on-closed.ts';
import { type Admission, tooManyUnproven } from './admission.ts';
import { headerToken, tokenMissing } from './bearer-token.ts';
import { BodyBudget, REQUEST_BODIES, UPLOAD_BODIES } from './body-budget.ts';
import type { ClientAddress } from './client-address.ts';
import type { Connections, PlainConnection } from './connections.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose token came with it, at a route whose access is `token` or `reader`. */
    principal: Principal | null;
    /** Why there is none, at a route that hears small bodies without a good token all the same (`heardWithoutToken`). */
    refusal: RelayError | null;
    clientAddress: string;
    /** Answers that the token was revoked, at a route whose access is `reader`; null: nobody can say so, it is cut. */
    endRevoked: ((error: RelayError) => void) | null;
  }
  interface FastifyContextConfig {
    /** Is asked before the token: what it throws counts as a request without a good one. */
    readonly beforeToken?: (request: FastifyRequest, reply: FastifyReply) => void;
    /** Its bodies are files of so many bytes at most, and may be slow. */
    readonly uploadBytes?: number;
    /** Bodies of so many bytes at most are read without a good token too; the handler has the refusal. */
    readonly heardWithoutToken?: number;
  }
}

export interface RequestGuardParts {
  readonly admission: Admission;
  readonly connections: Connections;
  readonly clientAddress: ClientAddress;
  readonly maxBodyBytes: number;
  /** The same of an upload. */
  readonly maxUploadBytes: number;
  /** Whether the token of a principal is revoked, at this moment. */
  readonly isRevoked: (principal: Principal) => boolean;
  /** Of a process that is one of several: limits hold for all of them together. */
  readonly shared?: SharedLimits | undefined;
}

export class RequestGuard {
  readonly #parts: RequestGuardParts;
  readonly #bodies: BodyBudget;
  readonly #uploads: BodyBudget;
  /** Answers to routes whose access is `reader`, until nothing more of them can leave. */
  readonly #readers = new Set<FastifyReply>();

  constructor(parts: RequestGuardParts) {
    this.#parts = parts;
    const { maxBodyBytes, maxUploadBytes, shared } = parts;
    this.#bodies = new BodyBudget(maxBodyBytes, REQUEST_BODIES, shared?.held('bodies'));
    this.#uploads = new BodyBudget(maxUploadBytes, UPLOAD_BODIES, shared?.held('bodies of uploads'));
  }

  /** Bytes of bodies that are on their way. */
  get bodyBytes(): number {
    return this.#bodies.reserved + this.#uploads.reserved;
  }

  /** Ends the answers that tokens asked for which are revoked now; how many it were. */
  endRevoked(): number {
    let ended = 0;
    for (const reply of this.#readers) {
      const { request, raw } = reply;
      if (!this.#parts.isRevoked(principalOf(request))) continue;
      this.#readers.delete(reply); // it is ended once
      if (request.endRevoked === null) raw.destroy();
      else request.endRevoked(tokenRevoked());
      ended += 1;
    }
    return ended;
  }

  /** Guards all routes, after the hooks of the plugins that were registered before (CORS: refusals are to be read). */
  attach(app: FastifyInstance): void {
    app.decorateRequest('principal', null);
    app.decorateRequest('refusal', null);
    app.decorateRequest('clientAddress', '');
    app.decorateRequest('endRevoked', null);
    app.after(() => {
      app.addHook('onRequest', async (request, reply) => {
        await this.#admit(request, reply);
      });
    });
  }

  async #admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { admission, clientAddress, connections, isRevoked } = this.#parts;
    const { raw, routeOptions } = request;
    const { access } = routeOptions.config;
    const connection = connections.of(raw.socket);
    request.clientAddress = clientAddress(raw);
    if (connection?.proven !== true) await admission.turn(raw);
    try {
      if (access === 'token' || access === 'reader') await this.#authenticate(request, reply, connection);
      else this.#admitAnyone(request, connection);
    } catch (refusal) {
      if (RelayError.from(refusal).code === 'rate_limited') reply.header('connection', 'close');
      throw refusal;
    }
    // Who hung up meanwhile would start a run that nobody reads, and be its reader for ever.
    if (raw.socket.destroyed) return void reply.hijack();
    const { principal } = request;
    if (principal !== null && isRevoked(principal)) throw tokenRevoked(); // while its tier was looked up
    if (principal !== null) admission.request(principal.userId);
    if (isBodyRead(request)) this.#reserveBody(request);
    else raw.resume(); // dropped as it comes: nobody waits for it, and it keeps no room from others
    if (access === 'reader' && principal !== null) this.#lease(reply, principal);
  }

  async #authenticate(
    request: FastifyRequest,
    reply: FastifyReply,
    connection: PlainConnection | undefined,
  ): Promise<void> {
    const { admission, connections } = this.#parts;
    const tokenOf = (): string => {
      request.routeOptions.config.beforeToken?.(request, reply);
      return requiredToken(request);
    };
    try {
      request.principal = await admission.authenticate(request.clientAddress, tokenOf, connection?.proven);
      request.userId = request.principal.userId;
    } catch (refusal) {
      if (RelayError.from(refusal).retryable) throw refusal;
      if (connection !== undefined) connection.proven = false;
      this.#countUnproven(connection);
      if (!isHeardWithoutToken(request)) throw refusal;
      request.refusal = RelayError.from(refusal);
      return;
    }
    if (connection !== undefined && !request.raw.socket.destroyed) connections.prove(connection);
  }

  #admitAnyone(request: FastifyRequest, connection: PlainConnection | undefined): void {
    const { access } = request.routeOptions.config;
    this.#countUnproven(connection);
    if (access !== 'health') this.#parts.admission.unproven(request.clientAddress, connection?.proven);
  }

  /** The connection is throttled before its address is. */
  #countUnproven(connection: PlainConnection | undefined): void {
    if (connection === undefined || this.#parts.connections.takeUnproven(connection)) return;
    throw tooManyUnproven('unproven_of_connection', 1000);
  }

  #reserveBody({ raw, clientAddress, userId, routeOptions }: FastifyRequest): void {
    const { admission } = this.#parts;
    const { uploadBytes } = routeOptions.config;
    const bodies = uploadBytes === undefined ? this.#bodies : this.#uploads;
    const maxBodyBytes = uploadBytes ?? this.#parts.maxBodyBytes;
    const { 'content-length': length, 'transfer-encoding': coding } = raw.headers;
    const bytes = coding === undefined ? Number(length ?? 0) : maxBodyBytes;
    if (bytes === 0 || bytes > maxBodyBytes) return; // a larger one is refused for its size
    const release = bodies.reserve(bytes, clientAddress, userId ?? undefined, admission.isMemoryShort);
    // Node closes no request that was answered before its body had come, if its client hangs up then: only its socket.
    onFirstClosed(raw, raw.socket, release);
  }

  #lease(reply: FastifyReply, { userId }: Principal): void {
    const lease = this.#parts.admission.reader(reply.request.clientAddress, userId);
    this.#readers.add(reply);
    onClosed(reply, () => {
      this.#readers.delete(reply);
      lease.release();
    });
  }
}

const BODILESS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Whether anything here takes a body of such a request. */
function isBodyRead({ is404, method }: FastifyRequest): boolean {
  return !is404 && !BODILESS.has(method);
}

/** A body that says its length: whoever reads it is not kept waiting for more. */
function isHeardWithoutToken({ raw, routeOptions }: FastifyRequest): boolean {
  const { heardWithoutToken: most = 0 } = routeOptions.config;
  const { 'content-length': length = '0', 'transfer-encoding': coding } = raw.headers;
  return coding === undefined && Number(length) > 0 && Number(length) <= most;
}

/** Of a request that the guard let in at a route whose access is `token` or `reader`. */
export function principalOf({ principal }: FastifyRequest): Principal {
  if (principal === null) throw new Error('a route that asks for a user lets anyone in');
  return principal;
}

function requiredToken({ raw }: FastifyRequest): string {
  const token = headerToken(raw);
  if (token === undefined) throw tokenMissing();
  return token;
}
