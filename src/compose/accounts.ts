/** Who asks and what it costs: tokens, the ledger, Postgres with its usage rows, quotas. */
import { basename } from 'node:path';
import type { KeptAnswers } from '../answers/port.ts';
import { AnswerKeys } from '../answers/seal.ts';
import type { DevelopmentIssuer } from '../auth/development-issuer.ts';
import type { Authenticator } from '../auth/port.ts';
import { Revocations } from '../auth/revocations.ts';
import type { Config } from '../config/environment.ts';
import type { ViewLookup } from '../identity/view-lookup.ts';
import type { AnswerReports } from '../ledger/answer-reports.ts';
import { AnswersBeside } from '../ledger/answers-beside.ts';
import { type DirectoryLock, isDirectoryLocked, lockDirectory } from '../ledger/directory-lock.ts';
import { type LocalUsageLedger, openUsageLedger } from '../ledger/ledger.ts';
import { ledgerDirectories, ledgerDirectory } from '../ledger/ledger-directories.ts';
import type { Outbox } from '../ledger/outbox.ts';
import { ReportShipper } from '../ledger/report-shipper.ts';
import { UsageShipper } from '../ledger/shipper.ts';
import { postgresUsageSink } from '../ledger/usage-sink.ts';
import { MirrorCopier } from '../mirror/mirror-copier.ts';
import type { Logger } from '../observability/logger.ts';
import type { PostgresPool } from '../postgres/pool.ts';
import { SIMULATED_PRICES } from '../pricing/prices.ts';
import { ChargePolicy } from '../quota/charges.ts';
import { createQuota, type OpenQuota, type QuotaOptions } from '../quota/create-quota.ts';
import type { OtherLedgersParts } from '../quota/other-ledgers.ts';
import { systemClock } from '../time/clock.ts';
import type { WebhookSender } from '../webhooks/webhook-sender.ts';
import type { ParentLink } from '../workers/parent-link.ts';
import { answerEventsOf, composeAnswerShipper, composeAnswers, composePostgresAnswers } from './answers.ts';
import { composeIdentity } from './identity.ts';
import type { Telemetry } from './metrics.ts';
import { type Books, instanceOf, isOrphaned, OrphanedLedgers } from './orphaned-ledgers.ts';
import type { Settings } from './settings.ts';
import { composeWebhooks } from './webhooks.ts';

/** Batches of usage rows on their way to Postgres at once. */
const BATCHES_AT_ONCE = 2;

export interface Accounts {
  readonly authenticator: Authenticator;
  /** None is known yet. */
  readonly revocations: Revocations;
  /** Mints tokens; only in development without keys. */
  readonly developmentIssuer: DevelopmentIssuer | undefined;
  /** Undefined without IDENTITY_VIEW: tokens say it all. */
  readonly lookup: ViewLookup | undefined;
  readonly ledger: LocalUsageLedger;
  readonly quota: OpenQuota;
  /** Undefined where none are kept (KEEP_ANSWERS_HOURS). */
  readonly answers: KeptAnswers | undefined;
  /** Undefined without DATABASE_URL: the ledger on disk is the store then. */
  readonly shipper: UsageShipper | undefined;
  /** The same: copies what arrived into the app's table, where the database has a mirror. */
  readonly mirror: MirrorCopier | undefined;
  /** Ledgers of processes that are no more. */
  readonly orphans: OrphanedLedgers;
  /** Undefined without WEBHOOK_URL. */
  readonly webhookSender: WebhookSender | undefined;
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
  parent: ParentLink | undefined,
): Promise<Accounts> {
  const postgres = await composePostgres(config, telemetry.logger);
  const revocations = new Revocations({ clock: systemClock, maxTokenLifeMs: config.MAX_TOKEN_LIFE_MS });
  const identity = await composeIdentity(config, postgres, revocations, telemetry);
  const dataDir = ledgerDirectory(config.DATA_DIR, config.worker?.number);
  const lock = lockOfMachine(config);
  const others = () => ledgerDirectories(config.DATA_DIR).filter((directory) => directory !== dataDir);
  const otherLedgers = { directories: others, onUnreadable: toldUnreadable(telemetry) };
  const mirror = postgres && composeMirror(config, settings, postgres, telemetry);
  const postgresAnswers = postgres && composePostgresAnswers(config, postgres, telemetry);
  const webhooks = await composeWebhooks(config, telemetry);
  const openBooks = (directory: string): Books => {
    const ledger = openUsageLedger({
      ...ledgerOptions(config, settings, simulated, telemetry),
      eventsOf: webhooks?.eventsOf,
      dataDir: directory,
      lock: directory === config.DATA_DIR ? lock : undefined,
    });
    try {
      const quota = createQuota({
        ...quotaOptions(config, settings, simulated, telemetry),
        dataDir: directory,
        otherLedgers,
        shared: parent?.limits,
        postgres: postgres && shareOf(postgres),
      });
      const shipper =
        postgres &&
        composeShipper(
          instanceOf(directory, config),
          config,
          ledger.outbox,
          shareOf(postgres),
          telemetry,
          () => mirror?.wake(),
        );
      const { reports, answers } = ledger;
      const reportShipper = postgres && composeReportShipper(reports, postgres, telemetry);
      const answerShipper = composeAnswerShipper(config, answers, postgresAnswers, telemetry);
      const webhookSender = webhooks?.senderOf(ledger.webhookEvents);
      return { ledger, quota, shipper, reportShipper, answerShipper, webhookSender };
    } catch (error) {
      void ledger.close();
      throw error;
    }
  };
  const own = openBooks(dataDir);
  const isTaken = (directory: string): boolean =>
    (directory !== config.DATA_DIR || lock === undefined) && isDirectoryLocked(directory);
  const orphans = composeOrphans(config, { others, isTaken, openBooks }, telemetry);
  const beside = new AnswersBeside({
    directories: others,
    isTaken: isDirectoryLocked,
    keys: new AnswerKeys(config.ANSWERS_KEY),
    now: () => systemClock.now(),
    onSealed: answerEventsOf(telemetry).onSealed,
  });
  return {
    ...identity,
    revocations,
    ...own,
    answers: composeAnswers(config, [own.ledger.answers, beside], postgresAnswers, telemetry),
    orphans,
    mirror,
    async close() {
      identity.authenticator.close();
      await orphans.close();
      await own.webhookSender?.close();
      await own.quota.close();
      await own.shipper?.close();
      await own.reportShipper?.close();
      await own.answerShipper.close();
      await mirror?.close();
      await postgres?.close();
      await own.ledger.close();
      lock?.release();
    },
  };
}

/**
 * DATA_DIR of several processes is the first one's for as long as that lives, beside the directory of its own: a relay of one
 * process has its ledger there, and would not meet the others. That process is also the one that takes such a ledger over.
 */
function lockOfMachine({ DATA_DIR, worker }: Config): DirectoryLock | undefined {
  return worker?.number === 1 ? lockDirectory(DATA_DIR) : undefined;
}

function toldUnreadable({ logger }: Telemetry): OtherLedgersParts['onUnreadable'] {
  return ({ directory, why }) =>
    logger.error(
      { directory: basename(directory), why },
      'a ledger of this machine cannot be read: quotas count without it',
    );
}

function ledgerOptions(
  { ANSWERS_KEY: keys }: Config,
  settings: Settings,
  simulated: boolean,
  telemetry: Telemetry,
) {
  return {
    prices: () => settings.now.prices,
    simulated,
    answerKeys: new AnswerKeys(keys),
    answerEvents: answerEventsOf(telemetry),
    clock: systemClock,
    onError: (what: string, cause: unknown) => telemetry.observer.failed({ what: `ledger: ${what}`, cause }),
  };
}

function quotaOptions(
  config: Config,
  settings: Settings,
  simulated: boolean,
  { logger, observer }: Telemetry,
): Omit<QuotaOptions, 'dataDir'> {
  return {
    policy: settings.derived(
      ({ plans, prices, models }) => new ChargePolicy(plans, simulated ? SIMULATED_PRICES : prices, models),
    ),
    clock: systemClock,
    actions: settings.derived(({ actions }) => [...actions.keys()]),
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
  };
}

function composeOrphans(
  config: Config,
  {
    others,
    isTaken,
    openBooks,
  }: {
    readonly others: () => readonly string[];
    readonly isTaken: (directory: string) => boolean;
    readonly openBooks: (directory: string) => Books;
  },
  { logger }: Telemetry,
): OrphanedLedgers {
  return new OrphanedLedgers({
    directories: () => others().filter((directory) => isOrphaned(directory, config)),
    isTaken,
    clock: systemClock,
    open: openBooks,
    onAdopted: (event) => logger.warn(event, 'a ledger without a process is taken over'),
    onSent: (event) => logger.info(event, 'a ledger without a process has nothing left to send'),
    onFailed: (event) => logger.error(event, 'a ledger without a process cannot be taken over: tried again'),
  });
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
  instance: string,
  config: Config,
  outbox: Outbox,
  postgres: PostgresPool,
  { logger }: Telemetry,
  onArrived: () => void,
): UsageShipper {
  const sink = postgresUsageSink(postgres, instance);
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

function composeReportShipper(
  reports: AnswerReports,
  pool: PostgresPool,
  { logger }: Telemetry,
): ReportShipper {
  return new ReportShipper({
    reports,
    pool,
    clock: systemClock,
    onRefused: (event) => logger.error(event, 'Postgres refuses a report of an answer: kept, tried again'),
    onOutage: (event) => logger.warn(event, 'reports of answers do not reach Postgres: kept, tried again'),
  });
}

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
