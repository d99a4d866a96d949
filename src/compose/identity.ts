/** Who users are: their tokens, and a view of Postgres where tokens do not say what users may use and whose they are. */
import { createAuthenticator } from '../auth/create-authenticator.ts';
import { createDevelopmentIssuer, type DevelopmentIssuer } from '../auth/development-issuer.ts';
import type { ClaimNotice } from '../auth/identity-claims.ts';
import { KeySetFault } from '../auth/key-set-fault.ts';
import type { Authenticator, Principal } from '../auth/port.ts';
import type { Revocations } from '../auth/revocations.ts';
import { withLookup } from '../auth/with-lookup.ts';
import { type Config, ConfigError } from '../config/environment.ts';
import { IdentityViewFault } from '../identity/identity-view.ts';
import { ViewLookup } from '../identity/view-lookup.ts';
import type { Logger } from '../observability/logger.ts';
import type { PostgresPool } from '../postgres/pool.ts';
import { systemClock } from '../time/clock.ts';
import type { Telemetry } from './metrics.ts';

export interface ComposedIdentity {
  readonly authenticator: Authenticator;
  /** Mints tokens; only in development without keys. */
  readonly developmentIssuer: DevelopmentIssuer | undefined;
  /** Undefined without IDENTITY_VIEW. */
  readonly lookup: ViewLookup | undefined;
}

export async function composeIdentity(
  config: Config,
  postgres: PostgresPool | undefined,
  revocations: Revocations,
  telemetry: Telemetry,
): Promise<ComposedIdentity> {
  const { authenticator, developmentIssuer } = await composeTokens(config, revocations, telemetry.logger);
  const lookup = postgres && composeLookup(config, postgres, telemetry);
  return {
    authenticator: lookup === undefined ? authenticator : withLookup(authenticator, lookup),
    developmentIssuer,
    lookup,
  };
}

/** Of what the start of an authenticator failed with: a view that cannot be read is the configuration's fault. */
export function identityFailure(cause: unknown): unknown {
  return cause instanceof IdentityViewFault ? new ConfigError([`IDENTITY_VIEW: ${cause.message}`]) : cause;
}

async function composeTokens(
  config: Config,
  revocations: Revocations,
  logger: Logger,
): Promise<Omit<ComposedIdentity, 'lookup'>> {
  const common = {
    clock: systemClock,
    maxTokenLifeMs: config.MAX_TOKEN_LIFE_MS,
    isRevoked: (principal: Principal) => revocations.has(principal),
    allowAnonymous: config.ALLOW_ANONYMOUS,
    claims: {
      tier: config.CLAIM_TIER,
      organization: config.CLAIM_ORGANIZATION,
      roles: config.ALLOWED_ROLES,
      onNotice: (notice: ClaimNotice) => logger.warn(notice, CLAIM_NOTICES[notice.kind]),
    },
  };
  const { auth } = config;
  if (auth.kind === 'development') {
    const issuer = 'http://localhost/dev';
    const developmentIssuer = await createDevelopmentIssuer({
      dataDir: config.DATA_DIR,
      issuer,
      clock: systemClock,
    });
    const { keySet } = developmentIssuer;
    return { authenticator: createAuthenticator({ ...common, issuer, keySet }), developmentIssuer };
  }
  const authenticator = createAuthenticator({
    ...common,
    ...auth,
    onKeySet: (event) => {
      if (event.kind === 'loaded') logger.info(event, 'key set loaded');
      else logger.warn({ ...event, hint: hintOf(event.cause) }, 'key set not loaded');
    },
  });
  return { authenticator, developmentIssuer: undefined };
}

/** Only in words of ours: those of others may quote what they were given. */
function hintOf(cause: unknown): string | undefined {
  return cause instanceof KeySetFault ? cause.message : undefined;
}

const CLAIM_NOTICES = {
  role: 'tokens of this role are refused: name it in ALLOWED_ROLES if it is of users',
  unusable: 'a claim is no text of 1 to 128 characters: its users count as having none',
} as const;

function composeLookup(
  { IDENTITY_VIEW: view, IDENTITY_TTL_MS: ttlMs, IDENTITY_STALE_MS: staleMs }: Config,
  postgres: PostgresPool,
  { logger, metrics, observer, sampled }: Telemetry,
): ViewLookup | undefined {
  if (view === undefined) return undefined;
  return new ViewLookup({
    view,
    query: postgres.query,
    clock: systemClock,
    ttlMs,
    staleMs,
    onLookup(outcome, userId) {
      metrics.identityLookups.inc({ outcome });
      if (outcome === 'unknown') sampled.write(BY_TOKEN_ALONE, undefined, { userId });
    },
    onNotice: (notice) => logger.warn(notice, VIEW_NOTICES[notice.kind]),
    onOutage(cause) {
      const isFault = cause instanceof IdentityViewFault;
      if (isFault) logger.error({ hint: cause.message }, 'identity: IDENTITY_VIEW cannot be read');
      observer.failed({ what: isFault ? 'identity: view' : 'identity: Postgres', cause });
    },
    onRecovered: () => logger.info('identity: IDENTITY_VIEW is read again'),
  });
}

/** Five lines within ten seconds: in an outage it may be everybody. */
const BY_TOKEN_ALONE = {
  level: 'warn',
  message: "identity: IDENTITY_VIEW cannot be asked of a user who was never read: the token's claims count",
  lines: 5,
  fields: {},
} as const;

const VIEW_NOTICES = {
  empty:
    'IDENTITY_VIEW has no row that this relay may see: it is empty, or row-level security hides them all',
  several_rows: 'IDENTITY_VIEW has several rows for a user: the first by organization_id counts',
  unusable: 'a value of IDENTITY_VIEW is no text of 1 to 128 characters: its users count as having none',
  unreadable: "the row of a user in IDENTITY_VIEW cannot be read: the token's claims count",
} as const;
