/** A ledger on disk, a shipper and a mirror on a real Postgres, for tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadMirror, type MirrorDefinition, type MirrorFile } from '../../src/mirror/definition.ts';
import { MirrorCopier, type MirrorEvents } from '../../src/mirror/mirror-copier.ts';
import { openPostgresPool, type RunStatement } from '../../src/postgres/pool.ts';
import { systemClock } from '../../src/time/clock.ts';
import type { PostgresServer } from '../support/postgres.ts';
import { type Shipping, type ShippingOptions, startShipping } from '../usage/postgres/shipping.ts';

export type MirrorEvent =
  | { readonly kind: 'problem'; readonly problem: string }
  | ({ readonly kind: 'refused' } & Parameters<MirrorEvents['onRefused']>[0])
  | ({ readonly kind: 'mended' } & Parameters<MirrorEvents['onMended']>[0])
  | { readonly kind: 'stopped'; readonly cause: string };

export interface Mirroring extends Shipping {
  readonly copier: MirrorCopier;
  readonly mirrorEvents: readonly MirrorEvent[];
}

export interface MirroringOptions extends ShippingOptions {
  readonly wanted?: MirrorDefinition;
}

export function startMirroring({ wanted, ...options }: MirroringOptions): Mirroring {
  const { url, clock = systemClock } = options;
  const pool = openPostgresPool(url, 1, () => {});
  const mirrorEvents: MirrorEvent[] = [];
  const copier = new MirrorCopier({
    shared: pool.queryInBackground,
    open: async () => openPostgresPool(url, 1, () => {}),
    clock,
    wanted,
    ...recorded(mirrorEvents),
  });
  const shipping = startShipping({
    ...options,
    sink: (real) => ({
      ...real,
      async insert(rows) {
        const now = await real.insert(rows);
        copier.wake();
        return now;
      },
    }),
  });
  return {
    ...shipping,
    copier,
    mirrorEvents,
    async close() {
      await shipping.close();
      await copier.close();
      await pool.close();
    },
  };
}

function recorded(events: MirrorEvent[]): MirrorEvents {
  return {
    onProblem: (problem) => void events.push({ kind: 'problem', problem }),
    onRefused: (event) => void events.push({ kind: 'refused', ...event }),
    onMended: (event) => void events.push({ kind: 'mended', ...event }),
    onStopped: ({ cause }) => void events.push({ kind: 'stopped', cause: String(cause) }),
  };
}

/** As an operator's file has it. */
export function definitionOf(content: MirrorFile): MirrorDefinition {
  const directory = mkdtempSync(join(tmpdir(), 'mirror-'));
  try {
    const file = join(directory, 'mirror.json');
    writeFileSync(file, JSON.stringify(content));
    return loadMirror(file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export function statementsOf(server: PostgresServer): RunStatement {
  return async (text, values) => ({ rows: await server.query(text, values) });
}
