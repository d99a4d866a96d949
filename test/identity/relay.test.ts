/** Whole handshakes: what a user's token and the app's tables make of them, by claims, by the hook and by the lookup. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Environment } from '../../src/config/environment.ts';
import { systemClock } from '../../src/time/clock.ts';
import { ask } from '../support/http-doors.ts';
import type { PostgresServer } from '../support/postgres.ts';
import { connectClient, type RelayClient } from '../support/relay-client.ts';
import { type ComposedRelay, startRelay } from '../support/relay-process.ts';
import { eventually, report } from '../support/test-run.ts';
import { createSigningKey, TEST_SECRET, TokenMint } from '../support/token-mint.ts';
import { POOR_SCHOOL, PREMIUM_SCHOOL, startSchoolApp, USERS } from './school-app.ts';

const mint = new TokenMint(systemClock, createSigningKey('HS256'));
const directory = mkdtempSync(join(tmpdir(), 'identity-'));
const PLANS_FILE = join(directory, 'plans.json');
writeFileSync(
  PLANS_FILE,
  JSON.stringify({
    plans: {
      free: {},
      anonymous: {},
      basic: { tiers: ['parent_*', 'school_*'] },
      pro: { tiers: ['pro', 'parent_plus', 'professional', 'school_premium'] },
    },
  }),
);
const TOKENS: Environment = {
  SUPABASE_JWT_SECRET: TEST_SECRET,
  SUPABASE_JWT_ISSUER: mint.issuer,
  PLANS_FILE,
};

let server: PostgresServer;
beforeAll(async () => {
  server = await startSchoolApp();
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Seen {
  readonly tier: unknown;
  readonly organizationId: unknown;
  readonly plan: unknown;
}

/** Of a user who gets a socket: what a run is counted by, and their plan. */
async function served(relay: ComposedRelay, token: string): Promise<Seen> {
  await using client = await connectClient({ url: relay.url, token });
  return await askedOn(client, relay, token);
}

async function askedOn(client: RelayClient, relay: ComposedRelay, token: string): Promise<Seen> {
  const stream = client.start({ maxTokens: 4 });
  await client.until(() => stream.over || undefined);
  const started = relay.logLines.filter(
    ({ msg, streamId }) => msg === 'stream started' && streamId === stream.id,
  );
  const { tier, organizationId } = started[0] ?? { tier: 'no such line', organizationId: undefined };
  const usage = await ask(`${relay.url}/v1/usage`, { token });
  return { tier, organizationId, plan: (JSON.parse(usage.body) as { plan?: unknown }).plan };
}

/** Of a user who gets none: the status of the handshake, and the reason in the log. */
async function refused(relay: ComposedRelay, token: string) {
  const lines = relay.logLines.length;
  const socket = new WebSocket(`${relay.url.replace('http', 'ws')}/v1/ws`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const status = await new Promise<number>((resolve, reject) => {
    socket.on('unexpected-response', (request, response) => {
      resolve(response.statusCode ?? 0);
      request.destroy();
    });
    socket.on('error', () => {});
    socket.on('open', () => reject(new Error('it was served')));
  });
  const line = relay.logLines.slice(lines).find(({ msg }) => msg === 'refused');
  return { status, code: line?.['code'], reason: line?.['reason'] };
}

function row(...cells: readonly unknown[]): void {
  report(cells.map((cell) => (typeof cell === 'string' ? cell : JSON.stringify(cell))).join(' | '));
}

interface Layout {
  readonly name: string;
  readonly environment: Environment;
  /** The claims of a user of that tier and school. */
  readonly claims: (tier: string, school: string) => Record<string, unknown>;
}

const LAYOUTS: readonly Layout[] = [
  {
    name: 'app_metadata',
    environment: {},
    claims: (tier, organization_id) => ({ app_metadata: { tier, organization_id } }),
  },
  {
    name: 'role and top level',
    environment: { ALLOWED_ROLES: 'teacher', CLAIM_TIER: 'tier', CLAIM_ORGANIZATION: 'organization_id' },
    claims: (tier, organization_id) => ({ role: 'teacher', tier, organization_id }),
  },
  {
    name: 'the second path',
    environment: {
      CLAIM_TIER: 'subscription_tier,app_metadata.tier',
      CLAIM_ORGANIZATION: 'organization_id,preschool_id',
    },
    claims: (tier, preschool_id) => ({ app_metadata: { tier }, organization_id: null, preschool_id }),
  },
  {
    name: 'nested objects',
    environment: {
      CLAIM_TIER: 'app_metadata.subscription.plan',
      CLAIM_ORGANIZATION: 'app_metadata.school.id',
    },
    claims: (plan, id) => ({ app_metadata: { subscription: { plan }, school: { id } } }),
  },
  {
    name: 'a namespace',
    environment: { CLAIM_TIER: '/https:~1~1a.example/tier', CLAIM_ORGANIZATION: '/https:~1~1a.example/org' },
    claims: (tier, org) => ({ 'https://a.example': { tier, org } }),
  },
];

describe('by claims', () => {
  it.each(LAYOUTS)(
    '$name: tier, school and plan, where the keys name them',
    async ({ name, environment, claims }) => {
      await using relay = await startRelay({ ...TOKENS, ...environment });
      const token = mint.token({ sub: USERS.teacher, claims: claims('school_premium', PREMIUM_SCHOOL) });
      const seen = await served(relay, token);
      row('claims', name, seen);
      expect(seen).toEqual({ tier: 'school_premium', organizationId: PREMIUM_SCHOOL, plan: 'pro' });
    },
  );

  it.each(LAYOUTS.slice(1))(
    '$name: without the keys free and no school, or refused with its reason',
    async (layout) => {
      await using relay = await startRelay(TOKENS);
      const token = mint.token({
        sub: USERS.teacher,
        claims: layout.claims('school_premium', PREMIUM_SCHOOL),
      });
      if (layout.name === 'role and top level') {
        const refusal = await refused(relay, token);
        row('claims, no keys', layout.name, refusal);
        expect(refusal).toEqual({ status: 401, code: 'unauthorized', reason: 'role' });
        const [line] = await relay.logged(
          'tokens of this role are refused: name it in ALLOWED_ROLES if it is of users',
        );
        expect(line).toMatchObject({ level: 'warn', role: 'teacher' });
      } else {
        const seen = await served(relay, token);
        row('claims, no keys', layout.name, seen);
        expect(seen).toMatchObject({ organizationId: null });
      }
      expect(relay.logText.join('\n')).not.toContain(token.slice(-40));
    },
  );

  it('hostile claims: served as if they said nothing, with why in the log', async () => {
    await using relay = await startRelay({ ...TOKENS, CLAIM_TIER: 'tier', CLAIM_ORGANIZATION: 'school' });
    const hostile: [unknown, string][] = [
      [['pro'], 'array'],
      [{ toString: 'pro', __proto__: { tier: 'pro' } }, 'object'],
      [7, 'number'],
      [true, 'boolean'],
      ['x'.repeat(200), 'too_long'],
      ['pro\u0007', 'characters'],
    ];
    for (const [value, why] of hostile) {
      const seen = await served(relay, mint.token({ claims: { tier: value, school: value } }));
      expect(seen).toEqual({ tier: null, organizationId: null, plan: 'free' });
      row('hostile', why, seen);
    }
    const lines = await relay.logged(
      'a claim is no text of 1 to 128 characters: its users count as having none',
      2 * hostile.length,
    );
    expect(lines.map(({ claim, why }) => `${claim} ${why}`)).toEqual(
      hostile.flatMap(([, why]) => [`organization ${why}`, `tier ${why}`]),
    );
    const huge = mint.token({ claims: { tier: 'x'.repeat(2 ** 20) } });
    expect((await ask(`${relay.url}/v1/session`, { token: huge })).status).toBeGreaterThanOrEqual(400);
    expect(await served(relay, mint.token())).toMatchObject({ plan: 'free' });
  });
});

/** As Supabase's auth server makes the claims of a token. */
async function hooked(userId: string, claims: Record<string, unknown>): Promise<Record<string, unknown>> {
  const client = new pg.Client({
    connectionString: server.url('relay').replace('relay:', 'supabase_auth_admin:'),
  });
  await client.connect();
  try {
    const { rows } = await client.query('SELECT dash_relay.access_token_hook($1) AS event', [
      JSON.stringify({ user_id: userId, claims }),
    ]);
    return rows[0].event.claims;
  } finally {
    await client.end();
  }
}

describe('by the hook', () => {
  it.each(LAYOUTS)('$name: tier and school of the tables come by app_metadata', async ({ name, claims }) => {
    await using relay = await startRelay({ ...TOKENS, ALLOWED_ROLES: 'teacher' });
    const issue = async (sub: string) =>
      mint.token({ sub, claims: await hooked(sub, claims('free', 'a-school-of-before')) });
    const [teacher, parent, tutor] = await Promise.all(
      [USERS.teacher, USERS.parent, USERS.tutor].map(async (sub) => served(relay, await issue(sub))),
    );
    row('hook', name, teacher, parent, tutor);
    expect(teacher).toEqual({ tier: 'school_premium', organizationId: PREMIUM_SCHOOL, plan: 'pro' });
    expect(parent).toEqual({ tier: 'parent_plus', organizationId: POOR_SCHOOL, plan: 'pro' });
    expect(tutor).toEqual({ tier: 'professional', organizationId: null, plan: 'pro' });
  });
});

describe('by the lookup', () => {
  /** What was read is due again at once, so that each question asks Postgres while it is there. */
  const LOOKUP: Environment = {
    ...TOKENS,
    ALLOWED_ROLES: 'teacher',
    IDENTITY_VIEW: 'dash_relay.identity',
    IDENTITY_TTL_MS: '1',
  };
  const TEACHER = { tier: 'school_premium', organizationId: PREMIUM_SCHOOL, plan: 'pro' };
  const NOTHING = { tier: null, organizationId: null, plan: 'free' };
  const withDatabase = (): Environment => ({ ...LOOKUP, DATABASE_URL: server.url('relay') });
  const dependency = async (relay: ComposedRelay): Promise<unknown> => {
    const { status, body } = await ask(`${relay.url}/readyz`);
    expect(status).toBe(200);
    return (JSON.parse(body) as { dependencies: Record<string, unknown> }).dependencies['identity'];
  };

  /** A relay whose tokens are of that layout, before, in and after an outage that all of them see. */
  async function startInLayout({ name, claims }: Layout) {
    const relay = await startRelay(withDatabase());
    const issue = (sub: string) => mint.token({ sub, claims: claims('parent_basic', 'claimed') });
    const serve = (sub: string) => served(relay, issue(sub));
    /** By their token: nothing else knows anything of them. */
    let byToken: Seen;
    return {
      async there() {
        byToken = await serve(USERS.stranger);
        row('lookup, there', name, { teacher: await serve(USERS.teacher), stranger: byToken });
        expect(await serve(USERS.teacher), name).toEqual(TEACHER);
        expect(await dependency(relay), name).toBe('up');
      },
      async away() {
        const stale = await serve(USERS.teacher);
        const never = await serve(USERS.parent);
        const stranger = await serve(USERS.stranger);
        row('lookup, away', name, { teacher: stale, 'never seen': never, stranger });
        expect(stale, name).toEqual(TEACHER);
        expect(never, name).toEqual(byToken);
        expect(await dependency(relay), name).toBe('down');
        const [line] = await relay.logged(
          "identity: IDENTITY_VIEW cannot be asked of a user who was never read: the token's claims count",
        );
        expect(line, name).toMatchObject({ level: 'warn', userId: USERS.parent });
        await relay.logged('failed');
        const failed = expect.objectContaining({ msg: 'failed', what: 'identity: Postgres' });
        expect(relay.logLines, name).toContainEqual(failed);
      },
      async back() {
        await relay.logged('identity: IDENTITY_VIEW is read again');
        const back = await serve(USERS.parent);
        row('lookup, back', name, { teacher: await serve(USERS.teacher), 'never seen': back });
        expect(back, name).toEqual({ tier: 'parent_plus', organizationId: POOR_SCHOOL, plan: 'pro' });
        expect(await dependency(relay), name).toBe('up');
        const metrics = (await ask(`${relay.url}/metrics`)).body;
        for (const outcome of ['miss', 'stale', 'unknown'])
          expect(metrics).toMatch(new RegExp(`dash_identity_lookups_total\\{outcome="${outcome}"\\} [1-9]`));
        expect(metrics).toMatch(/dash_identity_up 1\n/);
        expect(metrics).toMatch(/dash_identity_cached [1-9]/);
      },
      [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
    };
  }

  it('in every layout, with Postgres there, away and back', async () => {
    await using relays = new AsyncDisposableStack();
    const all = (await Promise.all(LAYOUTS.map(startInLayout))).map((each) => relays.use(each));
    await Promise.all(all.map((each) => each.there()));
    await server.stop();
    await Promise.all(all.map((each) => each.away()));
    await server.start();
    await Promise.all(all.map((each) => each.back()));
  });

  it('a user without a row, or with an empty one', async () => {
    await using relay = await startRelay(withDatabase());
    const app_metadata = { tier: 'parent_basic', organization_id: 'claimed' };
    const by = (sub: string, claims = {}) => served(relay, mint.token({ sub, claims }));
    expect(await by(USERS.stranger)).toEqual(NOTHING);
    expect(await by(USERS.stranger, { app_metadata })).toEqual({
      tier: 'parent_basic',
      organizationId: 'claimed',
      plan: 'basic',
    });
    expect(await by(USERS.empty, { app_metadata })).toEqual(NOTHING);
  });

  it('an open socket has a new tier with the question after next, and one opened in an outage its own after it', async () => {
    await using relay = await startRelay(withDatabase());
    const [teacher, tutor] = [USERS.teacher, USERS.tutor].map((sub) => mint.token({ sub })) as [
      string,
      string,
    ];
    await using client = await connectClient({ url: relay.url, token: tutor });
    expect(await askedOn(client, relay, tutor)).toMatchObject({ tier: 'professional' });
    await server.query("UPDATE public.profiles SET tier = 'parent_plus' WHERE id = $1", [USERS.tutor]);
    await eventually(
      'the new tier',
      async () => (await askedOn(client, relay, tutor)).tier === 'parent_plus',
    );
    await server.query("UPDATE public.profiles SET tier = 'professional' WHERE id = $1", [USERS.tutor]);

    await server.stop();
    await using late = await connectClient({ url: relay.url, token: teacher });
    expect(await askedOn(late, relay, teacher)).toEqual(NOTHING);
    await server.start();
    await relay.logged('identity: IDENTITY_VIEW is read again');
    await eventually(
      'their own tier',
      async () => (await askedOn(late, relay, teacher)).tier === 'school_premium',
    );
  });

  it('a Postgres that holds still keeps a handshake waiting for a bounded time', async () => {
    await using relay = await startRelay(withDatabase());
    expect(await served(relay, mint.token({ sub: USERS.teacher }))).toEqual(TEACHER);
    server.pause();
    try {
      expect(await served(relay, mint.token({ sub: USERS.teacher }))).toMatchObject({
        tier: 'school_premium',
      });
      expect(await dependency(relay)).toBe('down');
    } finally {
      server.resume();
    }
    await relay.logged('identity: IDENTITY_VIEW is read again');
  });

  it('a relay starts without Postgres, and reads when it is there', async () => {
    await server.stop();
    await using relay = await startRelay(withDatabase());
    expect(await served(relay, mint.token({ sub: USERS.teacher }))).toEqual(NOTHING);
    await server.start();
    await relay.logged('identity: IDENTITY_VIEW is read again');
    expect(await served(relay, mint.token({ sub: USERS.teacher }))).toEqual(TEACHER);
  });

  it.each([
    ['public.absent', /^IDENTITY_VIEW: there is no view public\.absent/],
    ['public.profiles', /^IDENTITY_VIEW: public\.profiles must have the columns/],
  ])('a relay does not start with the view %s, and says why', async (view, problem) => {
    await expect(startRelay({ ...withDatabase(), IDENTITY_VIEW: view })).rejects.toMatchObject({
      name: 'ConfigError',
      problems: [expect.stringMatching(problem)],
    });
  });

  it('a forged token, a role that is refused, and an anonymous user are looked up by nobody', async () => {
    await using relay = await startRelay({ ...withDatabase(), ALLOW_ANONYMOUS: 'true' });
    const sub = USERS.parent;
    const forged = mint.token({ sub }).replace(/.{10}$/, 'AAAAAAAAAA');
    expect(await refused(relay, forged)).toMatchObject({
      reason: expect.stringMatching(/signature|malformed/),
    });
    expect(await refused(relay, mint.token({ sub, claims: { role: 'admin' } }))).toMatchObject({
      reason: 'role',
    });
    expect(await served(relay, mint.token({ sub, claims: { is_anonymous: true } }))).toMatchObject({
      tier: null,
      plan: 'anonymous',
    });
    expect((await ask(`${relay.url}/metrics`)).body).not.toMatch(/^dash_identity_lookups_total\{.*\} [1-9]/m);
  });

  it('without IDENTITY_VIEW nobody asks Postgres of users, and nothing speaks of it', async () => {
    const { IDENTITY_VIEW: _, IDENTITY_TTL_MS: __, ...environment } = withDatabase();
    await server.query('ALTER VIEW dash_relay.identity RENAME TO away');
    await using relay = await startRelay(environment);
    expect(await served(relay, mint.token({ sub: USERS.teacher }))).toEqual(NOTHING);
    expect(await dependency(relay)).toBeUndefined();
    expect((await ask(`${relay.url}/metrics`)).body).not.toMatch(/dash_identity_(up|cached|lookups_total\{)/);
    expect(relay.logLines.filter(({ msg }) => /identity/i.test(msg))).toEqual([]);
    await server.query('ALTER VIEW dash_relay.away RENAME TO identity');
  });
});
