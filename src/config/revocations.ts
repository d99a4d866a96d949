/**
 * Revocations as an operator sets them: in a file of this machine, for the whole fleet, and in the copy that a machine keeps
 * of the fleet's. Does not own when they are read, or what follows from them.
 */
import { statSync } from 'node:fs';
import * as z from 'zod';
import { NO_REVOCATIONS, type RevocationLists } from '../auth/revocations.ts';
import { uuidOf } from '../auth/token-user.ts';
import { readJsonFile } from '../files/json-file.ts';
import type { Config } from './environment.ts';

/** Of all lists together: what `dash-relay revoke` sets at most. */
export const MOST_REVOCATIONS = 10_000;
/** Of as many, with the longest names. */
const MAX_BYTES = 4 * 1024 * 1024;

/** What each list is of, by the name that an entry of the fleet begins with. */
export const REVOCATION_KINDS = { user: 'users', session: 'sessions', key: 'keys' } as const satisfies Record<
  string,
  keyof RevocationLists
>;
export type RevocationKind = keyof typeof REVOCATION_KINDS;

const KEY_ID = /^[\x21-\x7e]{1,256}$/;
const UUIDS = 'must be a UUID such as 5f0c7c1e-93a1-4a57-8b0e-6f4d1c2b3a99';
const NAMES = { user: UUIDS, session: UUIDS, key: 'must be the kid of a key, or HS256' } as const;

const instant = z.iso
  .datetime({ offset: true, error: 'must be a time with its zone such as 2026-11-29T18:00:00Z' })
  .transform((written) => Date.parse(written));

/** By name, when. */
function listOf(kind: RevocationKind) {
  return z.record(z.string(), instant).superRefine((list, context) => {
    for (const name of Object.keys(list))
      if (revocationName(kind, name) === undefined)
        context.addIssue({ code: 'custom', path: [name], message: NAMES[kind] });
  });
}

const schema = z.strictObject({
  users: listOf('user').optional(),
  sessions: listOf('session').optional(),
  keys: listOf('key').optional(),
});

/**
 * What the name of a revocation is, as it is compared.
 * @returns undefined where it is none: users and sessions are UUIDs, keys have 1 to 256 printable characters
 */
export function revocationName(kind: RevocationKind, written: string): string | undefined {
  if (kind !== 'key') return uuidOf(written);
  return KEY_ID.test(written) ? written : undefined;
}

/**
 * Of REVOCATIONS_FILE: none where it is not set, or the file is absent.
 * @throws Error naming the file and everything that is wrong in it
 */
export function revocationsOfFile({
  REVOCATIONS_FILE: file,
}: Pick<Config, 'REVOCATIONS_FILE'>): RevocationLists {
  return file === undefined ? NO_REVOCATIONS : readRevocations(file);
}

/** @throws Error naming the file and everything that is wrong in it; one that is absent has none */
export function readRevocations(file: string): RevocationLists {
  // What is there and cannot be reached is no absent file: tokens would hold again by themselves.
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return NO_REVOCATIONS;
  const { users = {}, sessions = {}, keys = {} } = readJsonFile('revocations', file, schema, MAX_BYTES);
  const lower = (list: Readonly<Record<string, number>>) =>
    new Map(Object.entries(list).map(([name, at]) => [name.toLowerCase(), at]));
  return { users: lower(users), sessions: lower(sessions), keys: new Map(Object.entries(keys)) };
}

/** What tells one content of a file from another, without reading it; undefined where it is absent. */
export function versionOfFile(file: string): string | undefined {
  const stats = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stats && [stats.ino, stats.size, stats.mtimeNs].join(' ');
}

/** As the file has them: times in ISO. */
export function fileOfRevocations(lists: RevocationLists): object {
  const written = (list: ReadonlyMap<string, number>) =>
    list.size === 0
      ? undefined
      : Object.fromEntries(Array.from(list, ([name, at]) => [name, new Date(at).toISOString()]));
  return { users: written(lists.users), sessions: written(lists.sessions), keys: written(lists.keys) };
}

/** Of the fleet: what can be read, and how many entries cannot. Of releases to come there may be other kinds. */
export function revocationsOfFleet(entries: Readonly<Record<string, string>>): {
  readonly lists: RevocationLists;
  readonly unreadable: number;
} {
  const lists = {
    users: new Map<string, number>(),
    sessions: new Map<string, number>(),
    keys: new Map<string, number>(),
  };
  let unreadable = 0;
  for (const [entry, text] of Object.entries(entries)) {
    const [, kind = '', written = ''] = /^(user|session|key):(.*)$/s.exec(entry) ?? [];
    if (!isKind(kind)) continue;
    const name = revocationName(kind, written);
    if (name === undefined || !/^\d{1,15}$/.test(text)) unreadable += 1;
    else lists[REVOCATION_KINDS[kind]].set(name, Number(text));
  }
  return { lists, unreadable };
}

/** The entry of the fleet for a revocation. */
export function fleetEntry(kind: RevocationKind, name: string): string {
  return `${kind}:${name}`;
}

/** All entries of the fleet for them. */
export function fleetEntries(lists: RevocationLists): Record<string, string> {
  return Object.fromEntries(
    revocationsIn(lists).map(({ kind, name, at }) => [fleetEntry(kind, name), String(at)]),
  );
}

export interface Revocation {
  readonly kind: RevocationKind;
  readonly name: string;
  /** Unix ms. */
  readonly at: number;
}

/** One after the other: users, sessions, keys. */
export function revocationsIn(lists: RevocationLists): Revocation[] {
  return (Object.keys(REVOCATION_KINDS) as RevocationKind[]).flatMap((kind) =>
    Array.from(lists[REVOCATION_KINDS[kind]], ([name, at]) => ({ kind, name, at })),
  );
}

function isKind(kind: string): kind is RevocationKind {
  return Object.hasOwn(REVOCATION_KINDS, kind);
}
