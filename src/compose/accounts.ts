/** Who asks and what it costs: tokens, the ledger, Postgres with its usage rows, quotas. */
import type { DevelopmentIssuer } from '../auth/development-issuer.ts';
import type { Authenticator } from '../auth/port.ts';
import type { Config } from '../config/environment.ts';
import type { ViewLookup } from '../identity/view-lookup.ts';
import { type LocalUsageLedger, openUsageLedger } from '../ledger/ledger.ts';
import type { Outbox } from '../ledger/outbox.ts';
import { UsageShipper } from '../ledger/shipper.ts';
import { postgresUsageSink } from '../ledger/usage-sink.ts';
import { MirrorCopier } from '../mirror/mirror-copier.ts';
import type { Logger } from '../observability/logger.ts';
import type { PostgresPool } from '../postgres/pool.ts';
import { SIMULATED_PRICES } from '../pricing/prices.ts';
import { ChargePolicy } from '../quota/charges.ts';
import { createQuota, type OpenQuota } from '../quota/create-quota.ts';
import { systemClock } from '../time/clock.ts';
import { composeIdentity } from './identity.ts';
import type { Telemetry } from './metrics.ts';
import type { Settings } from './settings.ts';

/** Batches of usage rows on their way to Postgres at once. */
const BATCHES_AT_ONCE = 2;

export interface Accounts {
  readonly authenticator: Authenticator;
  /** Mints tokens; only in development without keys. */
  readonly developmentIssuer: DevelopmentIssuer | undefined;
  /** Undefined without IDENTITY_VIEW: tokens say it all. */
  readonly lookup: ViewLookup | undefined;
  readonly ledger: LocalUsageLedger;
  readonly quota: OpenQuota;
  /** Undefined without DATABASE_URL: the ledger on disk is the store then. */
  readonly shipper: UsageShipper | undefined;
  /** The same: copies what arrived into the app's table, where the database has a mirror. */
  readonly mirror: MirrorCopier | undefined;
  /** After the last run; the ledger comes last, as the rows of everything before are in it. */
  close(): Promise<void>;
}

/** Whether rows and quotas reach Postgres; undefined without one. */
export function isPostgresUp({ shipper, quota }: Pick<Accounts, 'shipper' | 'quota'>): boolean | undefined {
  return shipper?.up && !quota.alone;
}

export async function composeAccounts(
  config: Config,
  settings: Settings,
  simulated: boolean,
  telemetry: Telemetry,
): Promise<Accounts> {
  const { logger, observer } = telemetry;
  const postgres = await composePostgres(config, logger);
  const { authenticator, developmentIssuer, lookup } = await composeIdentity(config, postgres, telemetry);
  const ledger = openUsageLedger({
    dataDir: config.DATA_DIR,
    prices: () => settings.now.prices,
    simulated,
    clock: systemClock,
    onError: (what, cause) => observer.failed({ what: `ledger: ${what}`, cause }),
  });
  const quota = createQuota({
    dataDir: config.DATA_DIR,
    policy: settings.derived(
      ({ plans, prices, models }) => new ChargePolicy(plans, simulated ? SIMULATED_PRICES : prices, models),
    ),
    clock: systemClock,
    actions: settings.derived(({ actions }) => [...actions.keys()]),
    postgres: postgres && shareOf(postgres),
    whileOut: config.QUOTA_ON_OUTAGE,
    longestRunMs: config.UPSTREAM_TOTAL_MS,
    wayOut: simulated ? developersWayOut : undefined,
    onOutage: (cause) => observer.failed({ what: 'quota: Postgres', cause }),
    onRecovered: () => logger.info('quota: Postgres is back'),
    onUncorrectable: () =>
      logger.warn(
        'quota: Postgres cannot correct reservations by counted prompts: run `npm run migrate`, then restart',
      ),
    onBudgetSpent: (event) =>
      logger.error(event, 'daily budget spent: starts are refused until the next day'),
    onBudgetReserved: (event) =>
      logger.warn(event, 'the rest of the daily budget is reserved by live answers: starts wait for them'),
  });
  const mirror = postgres && composeMirror(config, settings, postgres, telemetry);
  const shipper =
    postgres && composeShipper(config, ledger.outbox, shareOf(postgres), logger, () => mirror?.wake());
  return {
    authenticator,
    developmentIssuer,
    lookup,
    ledger,
    quota,
    shipper,
    mirror,
    async close() {
      authenticator.close();
      await quota.close();
      await shipper?.close();
      await mirror?.close();
      await postgres?.close();
      await ledger.close();
    },
  };
}

/** Shared by quotas, usage rows and identities. Undefined without DATABASE_URL. */
async function composePostgres(config: Config, logger: Logger): Promise<PostgresPool | undefined> {
  const { DATABASE_URL: url, DATABASE_POOL: max } = config;
  if (url === undefined) return undefined;
  const { openPostgresPool } = await import('../postgres/pool.ts');
  return openPostgresPool(url, max, (event) =>
    logger.warn(event, 'Postgres gives fewer connections than DATABASE_POOL: statements share them'),
  );
}

/** The pool, for one of those who share it: it is closed after all of them. */
function shareOf(pool: PostgresPool): PostgresPool {
  return { ...pool, close: async () => {} };
}

/** Who tries the simulated model and meets a quota need not wait for the next month. */
function developersWayOut(plan: string): string {
  return `answers are simulated here: the plan is "${plan}", limits are in PLANS_FILE; a token with app_metadata.tier "enterprise", as POST /dev/token gives, has none`;
}

function composeShipper(
  config: Config,
  outbox: Outbox,
  postgres: PostgresPool,
  logger: Logger,
  onArrived: () => void,
): UsageShipper {
  const sink = postgresUsageSink(postgres, config.INSTANCE_ID);
  return new UsageShipper({
    outbox,
    sink: {
      ...sink,
      async insert(rows) {
        const now = await sink.insert(rows);
        if (rows.length > 0) onArrived();
        return now;
      },
    },
    clock: systemClock,
    parallel: Math.min(BATCHES_AT_ONCE, config.DATABASE_POOL),
    onOutage: ({ kind, unshipped, cause }) =>
      logger.error({ kind, unshipped, cause }, SHIPPING_STOPPED[kind]),
    onRecovered: (event) => logger.info(event, 'usage rows reach Postgres again'),
    onQuarantined: (event) =>
      logger.error(event, 'Postgres refuses usage rows: kept here, tried again each hour'),
  });
}

const SHIPPING_STOPPED = {
  outage: 'usage rows do not reach Postgres: kept here, tried again',
  schema:
    'Postgres has no place for usage rows: run `npm run migrate`, and grant dash_relay_writer to the user',
} as const;

/** A line of each cause within ten seconds. */
const LINES_OF_MIRROR = 3;

function composeMirror(
  { DATABASE_URL: url = '' }: Config,
  { now: { mirror: wanted } }: Settings,
  postgres: PostgresPool,
  { logger, observer, sampled }: Telemetry,
): MirrorCopier {
  return new MirrorCopier({
    shared: postgres.queryInBackground,
    async open() {
      const { openPostgresPool } = await import('../postgres/pool.ts');
      return openPostgresPool(url, 1, () => {});
    },
    clock: systemClock,
    wanted,
    onProblem: (problem) => logger.error({ problem }, "mirror: the app's table does not fit"),
    onRefused({ sqlstate, column, constraint, ...event }) {
      const message = "mirror: the app's table refuses runs: kept, tried again";
      const fields = { sqlstate, column: column ?? '', constraint: constraint ?? '' };
      sampled.write({ level: 'error', message, lines: LINES_OF_MIRROR, fields }, undefined, event);
    },
    onMended: (event) => logger.info(event, "mirror: the app's table has all runs again"),
    onStopped: ({ waiting, cause }) => {
      observer.failed({ what: 'mirror', cause });
      logger.warn({ waiting }, 'mirror: nothing can be copied now: kept, tried again');
    },
  });
}
