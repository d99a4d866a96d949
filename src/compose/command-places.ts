/** Where commands write what running relays read: a table of the fleet in Redis, or a file of this machine. */
import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { loadDevelopmentKey } from '../auth/development-key.ts';
import { type FleetTable, FleetUnreachable } from '../cluster/fleet-table.ts';
import type { Config } from '../config/environment.ts';
import { systemClock } from '../time/clock.ts';
import type { UploadStore } from '../uploads/port.ts';
import { uploadLimitsOf } from './uploads.ts';

/** Undefined without REDIS_URL. To be closed. */
export async function openFleet(
  of: 'switches' | 'revocations',
  config: Config,
): Promise<(FleetTable & { close(): void }) | undefined> {
  const named = await namedFleet(config);
  if (named === undefined) return undefined;
  const { openFleetTable } = await import('../cluster/open-shared-runs.ts');
  return openFleetTable(of, named);
}

/** The same. */
export async function openUploadsOfFleet(config: Config): Promise<UploadStore | undefined> {
  const named = await namedFleet(config);
  if (named === undefined) return undefined;
  const { openFleetUploads } = await import('../cluster/open-shared-runs.ts');
  return openFleetUploads({ ...named, clock: systemClock }, uploadLimitsOf(config));
}

async function namedFleet({ REDIS_URL: url, REDIS_PREFIX: prefix, auth, DATA_DIR }: Config) {
  if (url === undefined) return undefined;
  const issuer = auth.kind === 'supabase' ? auth.issuer : (await loadDevelopmentKey(DATA_DIR)).kid;
  return { url, prefix, issuer };
}

/**
 * @param what is asked for: `switches`
 * @param unsure what may be so all the same: a Redis that stalls does later what it was asked
 * @throws Error saying why the fleet is not reached, and what is left
 */
export async function reached<Answer>(what: string, answer: Promise<Answer>, unsure = ''): Promise<Answer> {
  try {
    return await answer;
  } catch (cause) {
    if (!(cause instanceof FleetUnreachable)) throw cause;
    throw new Error(
      `the ${what} of the fleet cannot be reached (${cause.message}); ${unsure}relays keep their last ones, and --file sets those of a machine`,
      { cause },
    );
  }
}

/** What a change is said to be where nobody answered. */
export const MAY_ARRIVE = 'this change may still arrive; ';

/** The relay is seldom the user who runs the command. */
const READABLE = 0o644;

/** In one step: a relay that reads meanwhile finds the old file or the new one. */
export function replaceFile(file: string, content: object): void {
  const whole = `${file}.${process.pid}.new`;
  writeFileSync(whole, `${JSON.stringify(content)}\n`);
  chmodSync(whole, READABLE); // whatever the umask
  renameSync(whole, file);
}
