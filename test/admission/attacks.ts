/** What one client can do to others at the HTTP doors. Each goes on until its process ends. */
import { head, type Outcomes, open } from './raw-requests.ts';

export interface Target {
  readonly port: number;
  /** Of the attacker's own account, for those that have one. */
  readonly token: string;
  /** A live stream of the attacker. */
  readonly streamId: string;
  /** The body that started it. */
  readonly startBody: string;
}

export type Attack = (target: Target, outcomes: Outcomes) => void;

const BODY_BYTES = 262_144;
const JSON_TYPE = { 'content-type': 'application/json' };

export const ATTACKS = {
  'nested JSON without a token': nestedJson,
  'unfinished bodies without a token': unfinishedBodies,
  'unfinished bodies with a token': unfinishedBodiesOfUser,
  'silent connections': silentConnections,
  'event streams of one user': eventStreams,
  'JSON waiters of one user': jsonWaiters,
  'requests without a token': withoutToken,
  'forged tokens': forgedTokens,
} as const satisfies Record<string, Attack>;

export type AttackName = keyof typeof ATTACKS;

function nestedJson({ port }: Target, outcomes: Outcomes): void {
  const depth = Math.floor(BODY_BYTES / 2) - 1;
  const body = '['.repeat(depth) + ']'.repeat(depth);
  const post = head('POST /v1/chat', { ...JSON_TYPE, 'content-length': body.length }) + body;
  repeat(16, () => withoutEnd(port, outcomes, post));
}

function unfinishedBodies({ port }: Target, outcomes: Outcomes): void {
  const post = head('POST /v1/chat', { ...JSON_TYPE, 'content-length': BODY_BYTES });
  repeat(1900, () => open(port, outcomes).write(post + ' '.repeat(BODY_BYTES - 1)));
}

function unfinishedBodiesOfUser({ port, token }: Target, outcomes: Outcomes): void {
  const headers = { ...JSON_TYPE, 'content-length': BODY_BYTES, authorization: `Bearer ${token}` };
  repeat(500, () => open(port, outcomes).write(head('POST /v1/chat', headers) + ' '.repeat(BODY_BYTES - 1)));
}

function silentConnections({ port }: Target, outcomes: Outcomes): void {
  repeat(700, () => open(port, outcomes));
}

function eventStreams({ port, token, streamId }: Target, outcomes: Outcomes): void {
  const get = head(`GET /v1/streams/${streamId}`, { authorization: `Bearer ${token}` });
  repeat(2500, () => open(port, outcomes).write(get));
}

function jsonWaiters({ port, token, startBody }: Target, outcomes: Outcomes): void {
  const headers = { ...JSON_TYPE, 'content-length': startBody.length, authorization: `Bearer ${token}` };
  repeat(500, () => open(port, outcomes).write(head('POST /v1/chat', headers) + startBody));
}

function withoutToken({ port }: Target, outcomes: Outcomes): void {
  thousandASecond(port, outcomes, () => head('GET /v1/session'));
}

/** Their claims and key id are those of a good one, only the signature is not: each has to be verified. */
function forgedTokens({ port, token }: Target, outcomes: Outcomes): void {
  const signed = token.slice(0, token.lastIndexOf('.') + 1);
  let forged = 0;
  thousandASecond(port, outcomes, () => {
    forged += 1;
    const signature = Buffer.alloc(64, `signature ${forged} `).toString('base64url');
    return head('GET /v1/session', { authorization: `Bearer ${signed}${signature}` });
  });
}

/** On one connection, opened again whenever it was closed. */
function thousandASecond(port: number, outcomes: Outcomes, request: () => string): void {
  let socket = open(port, outcomes);
  setInterval(() => {
    if (socket.destroyed) socket = open(port, outcomes);
    for (let index = 0; index < 10; index += 1) socket.write(request());
  }, 10);
}

/** Sends it again behind each answer, on a new connection if that was the last of one. */
function withoutEnd(port: number, outcomes: Outcomes, request: string): void {
  const again = (): void => void (socket.writable && socket.write(request));
  const socket = open(port, outcomes, {
    answered: again,
    closed: () => void setImmediate(() => withoutEnd(port, outcomes, request)),
  });
  again();
}

function repeat(times: number, action: () => void): void {
  for (let index = 0; index < times; index += 1) action();
}
