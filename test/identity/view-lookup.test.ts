import { describe, expect, it } from 'vitest';
import { ViewLookup, type ViewLookupOptions } from '../../src/identity/view-lookup.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { noteActivity, settled } from '../support/quiet.ts';

const TTL_MS = 60_000;
const STALE_MS = 3_600_000;

const userId = (user: number) => `00000000-0000-4000-8000-${String(user).padStart(12, '0')}`;

interface FakeRow {
  readonly user_id: string;
  readonly tier: string | null;
  readonly organization_id: string | null;
}

/** An error as Postgres sends it. */
function postgresError(code: string): Error {
  return Object.assign(new Error('words of Postgres that may quote a row'), { code });
}

/** The view as a table in memory, and a Postgres that can be away, silent, or unable to read some rows. */
class FakePostgres {
  readonly rows = new Map<string, FakeRow[]>();
  /** The users of each statement. */
  readonly asked: string[][] = [];
  readonly unreadable = new Set<string>();
  failing: Error | undefined;
  #silence: Promise<void> | undefined;
  #speak = (): void => {};

  put(id: string, tier: string | null, organizationId: string | null = null): void {
    this.rows.set(id, [{ user_id: id, tier, organization_id: organizationId }]);
  }

  silent(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#silence = promise;
    this.#speak = resolve;
  }

  speak(): void {
    this.#silence = undefined;
    this.#speak();
  }

  readonly query: ViewLookupOptions['query'] = async (text, values) => {
    noteActivity();
    if (this.#silence !== undefined) await this.#silence;
    if (this.failing !== undefined) throw this.failing;
    if (text.includes('pg_attribute'))
      return { rows: ['user_id', 'tier', 'organization_id'].map((name) => ({ name })) };
    if (text.includes('LIMIT 1')) return { rows: [{}] };
    const ids = values[0] as string[];
    if (ids.some((id) => this.unreadable.has(id))) throw postgresError('22P02');
    if (!ids.includes('00000000-0000-0000-0000-000000000000')) this.asked.push(ids);
    return { rows: ids.flatMap((id) => this.rows.get(id) ?? []) };
  };
}

async function startLookup(options: Partial<ViewLookupOptions> = {}, postgres = new FakePostgres()) {
  const clock = new ManualClock();
  const outcomes: string[] = [];
  const told: unknown[] = [];
  const lookup = new ViewLookup({
    view: 'dash_relay.identity',
    query: postgres.query,
    clock,
    ttlMs: TTL_MS,
    staleMs: STALE_MS,
    random: () => 0,
    onLookup: (outcome) => outcomes.push(outcome),
    onNotice: (notice) => told.push(notice),
    onOutage: () => told.push('outage'),
    onRecovered: () => told.push('recovered'),
    ...options,
  });
  await lookup.start();
  return { lookup, postgres, clock, outcomes, told };
}

const [ALICE, BOB, CAROL] = [userId(1), userId(2), userId(3)];
const PRO = { tier: 'pro', organizationId: 'school-7' };

describe('while Postgres answers', () => {
  it('a user is read once for as long as that is fresh, and then again', async () => {
    const { lookup, postgres, clock, outcomes } = await startLookup();
    postgres.put(ALICE, 'pro', 'school-7');
    expect(await lookup.find(ALICE)).toEqual(PRO);
    postgres.put(ALICE, 'enterprise', null);
    clock.advance(TTL_MS - 1);
    expect(await lookup.find(ALICE)).toEqual(PRO);
    clock.advance(1);
    expect(await lookup.find(ALICE)).toEqual({ tier: 'enterprise', organizationId: null });
    expect(outcomes).toEqual(['miss', 'hit', 'miss']);
    expect(postgres.asked).toEqual([[ALICE], [ALICE]]);
  });

  it('that there is no row is remembered as well', async () => {
    const { lookup, postgres, outcomes } = await startLookup();
    expect(await lookup.find(BOB)).toBeNull();
    expect(await lookup.find(BOB)).toBeNull();
    expect(outcomes).toEqual(['miss', 'hit']);
    expect(postgres.asked).toHaveLength(1);
  });

  it('up to a fifth of the time is left to chance, never more than it', async () => {
    for (const [random, freshMs] of [
      [0, TTL_MS],
      [0.5, TTL_MS * 0.9],
      [1, TTL_MS * 0.8],
    ] as const) {
      const { lookup, postgres, clock } = await startLookup({ random: () => random });
      await lookup.find(ALICE);
      clock.advance(freshMs - 1);
      await lookup.find(ALICE);
      expect(postgres.asked).toHaveLength(1);
      clock.advance(1);
      await lookup.find(ALICE);
      expect(postgres.asked).toHaveLength(2);
    }
  });

  it('who asks for the same user waits for the same statement, and a crowd shares a few', async () => {
    const { lookup, postgres } = await startLookup();
    for (let user = 0; user < 1200; user += 1) postgres.put(userId(user), `tier-${user}`);
    const asking = Array.from({ length: 2400 }, (_, each) => lookup.find(userId(each % 1200)));
    const answers = await Promise.all(asking);
    expect(answers.every((answer, each) => answer?.tier === `tier-${each % 1200}`)).toBe(true);
    expect(postgres.asked.map(({ length }) => length)).toEqual([1, 500, 500, 199]);
  });

  it('no more users are held than may be: the one that was used the longest ago goes', async () => {
    const { lookup, postgres } = await startLookup({ mostUsers: 2 });
    await lookup.find(ALICE);
    await lookup.find(BOB);
    await lookup.find(ALICE);
    await lookup.find(CAROL);
    expect(lookup.size).toBe(2);
    await lookup.find(ALICE);
    expect(postgres.asked).toEqual([[ALICE], [BOB], [CAROL]]);
    await lookup.find(BOB);
    expect(postgres.asked).toHaveLength(4);
  });

  it('what is too old to be of use is forgotten', async () => {
    const { lookup, clock } = await startLookup();
    await lookup.find(ALICE);
    clock.advance(2 * STALE_MS);
    expect(lookup.size).toBe(0);
  });

  it('a row that cannot be read costs its own user alone', async () => {
    const { lookup, postgres, told } = await startLookup();
    const users = Array.from({ length: 40 }, (_, user) => userId(user));
    for (const id of users) postgres.put(id, 'pro');
    postgres.unreadable.add(userId(17));
    const answers = await Promise.all(users.map((id) => lookup.find(id)));
    expect(answers.map((answer) => answer?.tier ?? null)).toEqual(
      users.map((_, user) => (user === 17 ? null : 'pro')),
    );
    expect(told).toEqual([{ kind: 'unreadable', reason: '22P02' }]);
    expect(lookup.up).toBe(true);
  });

  it.each([
    ['too_long', 'x'.repeat(129)],
    ['characters', 'pro\nadmin'],
    ['characters', '\u0000'],
  ])('a value that is no label (%s) is none, and told once', async (why, tier) => {
    const { lookup, postgres, told } = await startLookup();
    for (const id of [ALICE, BOB]) {
      postgres.put(id, tier, '');
      expect(await lookup.find(id)).toEqual({ tier: null, organizationId: null });
    }
    expect(told).toEqual([{ kind: 'unusable', column: 'tier', why }]);
  });

  it('of several rows the first counts, and it is told once', async () => {
    const { lookup, postgres, told } = await startLookup();
    for (const id of [ALICE, BOB])
      postgres.rows.set(id, [
        { user_id: id.toUpperCase(), tier: 'a', organization_id: '1' },
        { user_id: id, tier: 'b', organization_id: '2' },
      ]);
    expect(await lookup.find(ALICE)).toEqual({ tier: 'a', organizationId: '1' });
    await lookup.find(BOB);
    expect(told).toEqual([{ kind: 'several_rows' }]);
  });
});

describe('while it is away', () => {
  const away = postgresError('57P01');

  it('what was read before counts, up to its age; nobody waits, and one line says so', async () => {
    const { lookup, postgres, clock, outcomes, told } = await startLookup();
    postgres.put(ALICE, 'pro', 'school-7');
    await lookup.find(ALICE);
    await lookup.find(BOB);
    postgres.failing = away;
    clock.advance(TTL_MS);
    for (let request = 0; request < 3; request += 1) expect(await lookup.find(ALICE)).toEqual(PRO);
    expect(await lookup.find(BOB)).toBeNull();
    clock.advance(STALE_MS - TTL_MS);
    await settled();
    expect(await lookup.find(ALICE)).toEqual(PRO);
    expect(outcomes).toEqual(['miss', 'miss', 'stale', 'stale', 'stale', 'stale', 'stale']);
    clock.advance(1);
    expect(await lookup.find(ALICE)).toBeUndefined();
    expect(told).toEqual(['outage']);
    expect(lookup.up).toBe(false);
  });

  it('of users who were never read it says nothing, and reads them as soon as it is back', async () => {
    const { lookup, postgres, clock, outcomes, told } = await startLookup();
    postgres.put(ALICE, 'pro', 'school-7');
    postgres.failing = away;
    expect(await lookup.find(ALICE)).toBeUndefined();
    expect(lookup.known(ALICE)).toBeUndefined();
    postgres.failing = undefined;
    clock.advance(1000);
    await settled();
    expect(told).toEqual(['outage', 'recovered']);
    expect(lookup.known(ALICE)).toEqual(PRO);
    expect(outcomes).toEqual(['unknown', 'unknown', 'hit']);
  });

  it('one that is silent costs a second, once; what it says later is kept', async () => {
    const { lookup, postgres, clock, told } = await startLookup();
    postgres.put(ALICE, 'pro', 'school-7');
    postgres.silent();
    const first = lookup.find(ALICE);
    clock.advance(999);
    await settled();
    expect(told).toEqual([]);
    clock.advance(1);
    expect(await first).toBeUndefined();
    expect(await lookup.find(BOB)).toBeUndefined();
    expect(told).toEqual(['outage']);
    postgres.speak();
    clock.advance(1000);
    await settled();
    expect(await lookup.find(ALICE)).toEqual(PRO);
  });

  it('a start with Postgres away is no reason not to start', async () => {
    const postgres = new FakePostgres();
    postgres.failing = away;
    const { lookup, told } = await startLookup({}, postgres);
    expect(lookup.up).toBe(false);
    expect(told).toEqual(['outage']);
  });

  it('a start with a view that cannot be read is one, with words', async () => {
    const postgres = new FakePostgres();
    postgres.failing = postgresError('42501');
    await expect(startLookup({}, postgres)).rejects.toThrow(/may not be read .*GRANT SELECT/);
  });

  it('a view that goes later is an outage', async () => {
    const causes: unknown[] = [];
    const { lookup, postgres, clock } = await startLookup({ onOutage: (cause) => causes.push(cause) });
    postgres.put(ALICE, 'pro', 'school-7');
    await lookup.find(ALICE);
    postgres.failing = postgresError('42P01');
    clock.advance(TTL_MS);
    expect(await lookup.find(ALICE)).toEqual(PRO);
    expect(causes).toEqual([expect.objectContaining({ message: expect.stringMatching(/there is no view/) })]);
  });
});

describe('what is known without waiting', () => {
  it('is what was read last; what is due is read for the next time', async () => {
    const { lookup, postgres, clock } = await startLookup();
    postgres.put(ALICE, 'free');
    expect(lookup.known(ALICE)).toBeUndefined();
    await settled();
    expect(lookup.known(ALICE)).toEqual({ tier: 'free', organizationId: null });
    postgres.put(ALICE, 'pro', 'school-7');
    clock.advance(TTL_MS);
    expect(lookup.known(ALICE)).toEqual({ tier: 'free', organizationId: null });
    await settled();
    expect(lookup.known(ALICE)).toEqual(PRO);
  });
});

it('closing leaves no timer', async () => {
  const { lookup, clock } = await startLookup();
  await lookup.find(ALICE);
  lookup.close();
  expect(clock.pending).toBe(0);
});
