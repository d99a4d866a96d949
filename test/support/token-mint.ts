/**
 * Mints tokens shaped as Supabase's and serves their key set over real HTTP on loopback.
 * It signs by hand, so that it can also mint what no honest issuer would.
 */
import { createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../src/time/clock.ts';

export const TEST_ISSUER = 'https://project.supabase.test/auth/v1';
export const TEST_SECRET = 'a-legacy-project-secret-of-40-characters';
export const ALICE = '0b6f1d3a-4c2e-4f7a-9d1b-2a5c8e7f6a01';
export const BOB = '7e5d2c91-8a3b-4d6f-b0c4-1f9e3d5b7c02';

export type Algorithm = 'ES256' | 'RS256' | 'HS256';

/** One key of the issuer: the public JWK is what the key set shows (none for HS256). */
export interface SigningKey {
  readonly alg: Algorithm;
  readonly kid: string;
  readonly secret: KeyObject | string;
  readonly jwk: Readonly<Record<string, unknown>> | undefined;
}

export function createSigningKey(
  alg: Algorithm = 'ES256',
  kid: string = randomBytes(8).toString('hex'),
): SigningKey {
  if (alg === 'HS256') return { alg, kid, secret: TEST_SECRET, jwk: undefined };
  const { publicKey, privateKey } =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig', key_ops: ['verify'] };
  return { alg, kid, secret: privateKey, jwk };
}

/** Signs any header and any claims, however wrong. A claim or header field that is undefined is left out. */
export function signToken(key: SigningKey, header: object, claims: object): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${signatureOf(key, input).toString('base64url')}`;
}

function signatureOf({ alg, secret }: SigningKey, input: string): Buffer {
  if (typeof secret === 'string') return createHmac('sha256', secret).update(input).digest();
  return alg === 'ES256'
    ? sign('sha256', Buffer.from(input), { key: secret, dsaEncoding: 'ieee-p1363' })
    : sign('sha256', Buffer.from(input), secret);
}

export interface TokenOptions {
  readonly sub?: string;
  /** Seconds until `exp`; default 3600. May be negative. */
  readonly expiresIn?: number;
  /** Overrides and additions; undefined leaves a claim out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  /** Another key than the current one. */
  readonly key?: SigningKey;
}

/** An issuer with a current key. Its times are those of the clock it is given. */
export class TokenMint {
  readonly issuer: string;
  readonly #clock: Pick<Clock, 'now'>;
  #key: SigningKey;

  constructor(clock: Pick<Clock, 'now'>, key: SigningKey = createSigningKey(), issuer: string = TEST_ISSUER) {
    this.#clock = clock;
    this.#key = key;
    this.issuer = issuer;
  }

  /** The current key. */
  get key(): SigningKey {
    return this.#key;
  }

  /** Makes a new key the current one and returns it; who serves key sets decides when it is published. */
  rotate(alg: Algorithm = this.#key.alg): SigningKey {
    this.#key = createSigningKey(alg);
    return this.#key;
  }

  token(options: TokenOptions = {}): string {
    const { sub = ALICE, expiresIn = 3600, claims, header, key = this.#key } = options;
    const seconds = Math.floor(this.#clock.now() / 1000);
    const shape = {
      iss: this.issuer,
      aud: 'authenticated',
      exp: seconds + expiresIn,
      iat: seconds,
      sub,
      email: 'learner@school.example',
      phone: '',
      app_metadata: { provider: 'email', providers: ['email'] },
      user_metadata: { full_name: 'A Learner' },
      role: 'authenticated',
      aal: 'aal1',
      amr: [{ method: 'password', timestamp: seconds }],
      session_id: '5f0c7c1e-93a1-4a57-8b0e-6f4d1c2b3a99',
      is_anonymous: false,
    };
    return signToken(key, { alg: key.alg, kid: key.kid, typ: 'JWT', ...header }, { ...shape, ...claims });
  }
}

/** What the key-set server does with a request. */
export type KeySetAnswer = (response: ServerResponse) => void;

const JSON_TYPE = { 'content-type': 'application/json' };

/** Answers for `KeySetServer.answer`, beside the published key set. */
export const KEY_SET_FAULTS = {
  fail: (response) => response.writeHead(500, JSON_TYPE).end('{"message":"internal"}'),
  /** Accepts the request and never answers. */
  hang: () => {},
  /** Sends a head and half a body, then nothing. */
  stall: (response) => response.writeHead(200, JSON_TYPE).write('{"keys":['),
  garbage: (response) => response.writeHead(200, JSON_TYPE).end('<html>not a key set'),
  empty: (response) => response.writeHead(200, JSON_TYPE).end('{"keys":[]}'),
  /** 100 MB, as fast as the reader takes it. */
  huge: (response) => sendMegabytes(response, 100),
  reset: (response) => response.destroy(),
} as const satisfies Record<string, KeySetAnswer>;

function sendMegabytes(response: ServerResponse, megabytes: number): void {
  const block = Buffer.alloc(2 ** 20, ' ');
  let left = megabytes;
  const pump = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= 1;
      if (!response.write(block)) {
        response.once('drain', pump);
        return;
      }
    }
    response.end();
  };
  response.writeHead(200, JSON_TYPE);
  pump();
}

/** A key-set endpoint: `url` serves what was last published, or what `answer` was last told. */
export class KeySetServer {
  /** Requests so far. */
  fetches = 0;
  readonly #server: Server;
  #answer: KeySetAnswer = KEY_SET_FAULTS.empty;
  readonly #waiting = new Set<() => void>();

  constructor() {
    this.#server = createServer((_request, response) => {
      this.fetches += 1;
      this.#answer(response);
      for (const wake of this.#waiting) wake();
    });
  }

  /** Serves the public parts of these keys from now on. */
  publish(...keys: readonly SigningKey[]): void {
    this.publishJwks(keys.flatMap(({ jwk }) => (jwk === undefined ? [] : [jwk])));
  }

  publishJwks(keys: readonly unknown[]): void {
    const body = JSON.stringify({ keys });
    this.#answer = (response) => response.writeHead(200, JSON_TYPE).end(body);
  }

  /** Answers each request so from now on: one of KEY_SET_FAULTS or a function. */
  answer(how: KeySetAnswer): void {
    this.#answer = how;
  }

  /** Resolves when `count` requests have come in. */
  async reached(count: number): Promise<void> {
    while (this.fetches < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await promise;
      this.#waiting.delete(resolve);
    }
  }

  /** `http://127.0.0.1:<port>`: the SUPABASE_URL of this project. */
  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.origin}/auth/v1/.well-known/jwks.json`;
  }

  /** Open connections. */
  connections(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
    );
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
