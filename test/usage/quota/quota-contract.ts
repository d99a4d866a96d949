/** What quotas must do, wherever they are counted. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { QuotaHolder } from '../../../src/quota/port.ts';
import { holderOf, PROMPT_TOKENS, plansOf } from './plan-files.ts';
import type { QuotaSubject, SubjectOptions } from './quota-subject.ts';

/** 100 of prompt and 100 of answer. */
const RESERVED = PROMPT_TOKENS + 100;
/** What a run costs that `end` is told nothing of. */
const COST = 420;

export function quotaContract(
  name: string,
  create: (options: SubjectOptions) => Promise<QuotaSubject> | QuotaSubject,
): void {
  const quotaTest = (
    title: string,
    plans: Parameters<typeof plansOf>[0],
    body: (subject: QuotaSubject, told: readonly unknown[]) => Promise<void>,
  ) =>
    it(title, async () => {
      const told: unknown[] = [];
      const onBudgetSpent = (event: object) => void told.push({ spent: event });
      const onBudgetReserved = (event: object) => void told.push({ reserved: event });
      const subject = await create({ plans: plansOf(plans), onBudgetSpent, onBudgetReserved });
      try {
        await body(subject, told);
      } finally {
        await subject.remove();
      }
    });
  const free = (limits: object) => ({ plans: { free: limits } });

  describe(`quotas in ${name}`, () => {
    quotaTest(
      'of 50 starts at once on a budget for one exactly one gets it, each time',
      free({ user: { tokensPerDay: RESERVED } }),
      async ({ begin, end, release, standing }) => {
        const steady = holderOf();
        for (let round = 0; round < 20; round += 1) {
          // A counter that is new, and one that is there already.
          const holder = round % 2 === 0 ? holderOf() : steady;
          const starts = await Promise.allSettled(Array.from({ length: 50 }, () => begin({ holder })));
          const taken = starts.filter((start) => start.status === 'fulfilled');
          expect(taken).toHaveLength(1);
          expect(await standing(holder)).toMatchObject({ 'tokens user day': [0, RESERVED] });
          const { epoch } = taken[0]?.value ?? { epoch: '' };
          if (round % 2 === 0) await end(epoch, { inputTokens: 1, outputTokens: 2 });
          else release(epoch);
        }
      },
    );

    quotaTest('the cost of a run takes the place of its reservation', free({}), async (subject) => {
      const holder = holderOf({ organizationId: randomUUID() });
      const { epoch } = await subject.begin({ holder });
      expect(await subject.standing(holder)).toEqual({
        'requests user month': [0, 1],
        'requests organization month': [0, 1],
        'tokens user day': [0, RESERVED],
        'tokens user month': [0, RESERVED],
        'tokens organization day': [0, RESERVED],
        'tokens organization month': [0, RESERVED],
      });
      const usage = { inputTokens: 1, outputTokens: 20, cacheReadTokens: 300, cacheWriteTokens: 4000 };
      await subject.end(epoch, usage);
      const after = {
        'requests user month': [1, 0],
        'requests organization month': [1, 0],
        'tokens user day': [4321, 0],
        'tokens user month': [4321, 0],
        'tokens organization day': [4321, 0],
        'tokens organization month': [4321, 0],
      };
      expect(await subject.standing(holder)).toEqual(after);
      await subject.end(epoch, usage);
      subject.release(epoch);
      expect(await subject.standing(holder), 'only the first settlement counts').toEqual(after);
    });

    quotaTest(
      'a start over a limit is refused with what is used, the limit, and when it begins anew',
      free({ requestsPerActionPerMonth: 2 }),
      async ({ begin, end }) => {
        const holder = holderOf();
        await end((await begin({ holder })).epoch);
        await end((await begin({ holder })).epoch);
        await expect(begin({ holder })).rejects.toMatchObject({
          code: 'quota_exceeded',
          retryable: false,
          quota: { used: 2, limit: 2, resetsAt: Date.UTC(2026, 11, 1) },
        });
        await begin({ holder, action: 'homework_help' });
        await begin();
      },
    );

    quotaTest(
      'each action has the limit of its name, the others have that of `*`, and a member has a share of both',
      free({ requestsPerActionPerMonth: { chat: 4, '*': 2 }, organization: { userSharePercent: 50 } }),
      async ({ begin, end }) => {
        const limitOf = async (holder: QuotaHolder, action: string): Promise<number> => {
          for (let run = 0; run < 4; run += 1) {
            try {
              await end((await begin({ holder, action })).epoch);
            } catch (error) {
              expect(error).toMatchObject({ code: 'quota_exceeded', quota: { used: run, limit: run } });
              return run;
            }
          }
          return 4;
        };
        const alone = holderOf();
        expect([await limitOf(alone, 'chat'), await limitOf(alone, 'homework_help')]).toEqual([4, 2]);
        await expect(begin({ holder: alone })).rejects.toMatchObject({
          message: 'your requests of this kind are used up for this month: 4',
        });
        const member = holderOf({ organizationId: randomUUID() });
        expect([await limitOf(member, 'chat'), await limitOf(member, 'homework_help')]).toEqual([2, 1]);
      },
    );

    quotaTest(
      'an action without a limit of its name, where there is none for the others, has none',
      free({ requestsPerActionPerMonth: { homework_help: 1 } }),
      async ({ begin, end, standing }) => {
        const holder = holderOf();
        for (let run = 0; run < 3; run += 1) await end((await begin({ holder })).epoch);
        expect(await standing(holder)).toMatchObject({ 'requests user month': [3, 0] });
        await end((await begin({ holder, action: 'homework_help' })).epoch);
        await expect(begin({ holder, action: 'homework_help' })).rejects.toMatchObject({
          quota: { used: 1, limit: 1 },
        });
      },
    );

    quotaTest(
      'a refused start holds nothing of the limits it would have fitted',
      free({ requestsPerActionPerMonth: 1, user: { tokensPerDay: RESERVED - 1 } }),
      async ({ begin, standing }) => {
        const holder = holderOf();
        await expect(begin({ holder })).rejects.toMatchObject({
          quota: { used: 0, limit: RESERVED - 1, resetsAt: Date.UTC(2026, 10, 23) },
        });
        expect(await standing(holder)).toMatchObject({
          'requests user month': [0, 0],
          'tokens user day': [0, 0],
        });
        await begin({ holder, maxTokens: 99 });
      },
    );

    quotaTest(
      'from 80 percent on a start is warned of the quota nearest to its end',
      free({ requestsPerActionPerMonth: 5, user: { tokensPerMonth: 100 * RESERVED } }),
      async ({ begin }) => {
        const holder = holderOf();
        for (let run = 0; run < 3; run += 1) expect((await begin({ holder })).warning).toBeUndefined();
        expect((await begin({ holder })).warning).toEqual({
          of: 'requests',
          scope: 'user',
          period: 'month',
          used: 4,
          limit: 5,
          resetsAt: Date.UTC(2026, 11, 1),
        });
      },
    );

    quotaTest(
      'users of one organisation share its quotas, others do not',
      free({ requestsPerActionPerMonth: 2, organization: { tokensPerDay: 5 * RESERVED } }),
      async ({ begin, end }) => {
        const organizationId = randomUUID();
        const member = () => holderOf({ organizationId });
        await end((await begin({ holder: member() })).epoch);
        await end((await begin({ holder: member() })).epoch);
        await expect(begin({ holder: member() })).rejects.toMatchObject({ quota: { used: 2, limit: 2 } });
        const other = holderOf({ organizationId: randomUUID() });
        await begin({ holder: other });
        const userNamedAsOrganisation = holderOf({ userId: organizationId });
        await begin({ holder: userNamedAsOrganisation });
      },
    );

    quotaTest(
      'a new month begins at zero, and a run is paid by the month it started in',
      free({ requestsPerActionPerMonth: 1 }),
      async ({ begin, end, clock, standing }) => {
        const holder = holderOf();
        const { epoch } = await begin({ holder });
        clock.stepWallClock(Date.UTC(2026, 11, 1) - clock.now());
        expect(await standing(holder)).toMatchObject({ 'requests user month': [0, 0] });
        await end(epoch);
        expect(await standing(holder)).toMatchObject({ 'requests user month': [0, 0] });
        await end((await begin({ holder })).epoch);
        await expect(begin({ holder })).rejects.toMatchObject({ code: 'quota_exceeded' });
      },
    );

    quotaTest(
      'a run whose answer never began is no request, whoever ended it; its tokens count all the same',
      free({}),
      async (subject) => {
        const holder = holderOf({ organizationId: randomUUID() });
        const unanswered = { inputTokens: 0, outputTokens: 0, source: 'none' } as const;
        const silent = { inputTokens: 7, outputTokens: 1, source: 'input_only' } as const;
        const cut = { inputTokens: 7, outputTokens: 1, source: 'estimated' } as const;
        const [cancelled, abandoned] = [
          { status: 'cancelled' },
          { status: 'error', code: 'abandoned' },
        ] as const;
        const failed = { status: 'error', code: 'upstream_overloaded' } as const;
        const endings = [failed, cancelled, abandoned];
        for (const ending of endings) {
          await subject.end((await subject.begin({ holder })).epoch, unanswered, ending);
          await subject.end((await subject.begin({ holder })).epoch, silent, ending);
        }
        expect(await subject.standing(holder)).toMatchObject({
          'requests user month': [0, 0],
          'requests organization month': [0, 0],
          'tokens user month': [3 * 8, 0],
        });
        for (const ending of endings) await subject.end((await subject.begin({ holder })).epoch, cut, ending);
        await subject.end((await subject.begin({ holder })).epoch, unanswered);
        expect(await subject.standing(holder)).toMatchObject({
          'requests user month': [4, 0],
          'requests organization month': [4, 0],
          'tokens user month': [6 * 8, 0],
        });
      },
    );

    quotaTest(
      'one pupil who starts and stops all day takes nothing from a classmate',
      free({ requestsPerActionPerMonth: 50 }),
      async ({ begin, end, standing }) => {
        const organizationId = randomUUID();
        const [pupil, classmate] = [holderOf({ organizationId }), holderOf({ organizationId })];
        for (let run = 0; run < 50; run += 1) {
          const { epoch } = await begin({ holder: pupil });
          await end(epoch, { inputTokens: 0, outputTokens: 0, source: 'none' }, { status: 'cancelled' });
        }
        await end((await begin({ holder: classmate })).epoch);
        expect(await standing(pupil)).toMatchObject({
          'requests user month': [0, 0],
          'requests organization month': [1, 0],
        });
      },
    );

    quotaTest(
      'of what an organisation may use, one of its users gets a share',
      free({
        requestsPerActionPerMonth: 5,
        organization: { tokensPerDay: 100 * RESERVED, userSharePercent: 40 },
      }),
      async ({ begin, end, standing }) => {
        const organizationId = randomUUID();
        const [pupil, classmate] = [holderOf({ organizationId }), holderOf({ organizationId })];
        await end((await begin({ holder: pupil })).epoch);
        const { epoch } = await begin({ holder: pupil });
        await expect(begin({ holder: pupil })).rejects.toMatchObject({
          code: 'rate_limited',
          message: expect.stringContaining('your requests for this month'),
        });
        await end(epoch);
        await expect(begin({ holder: pupil })).rejects.toMatchObject({
          code: 'quota_exceeded',
          message: 'your requests of this kind are used up for this month: 2',
          quota: { used: 2, limit: 2 },
        });
        await begin({ holder: pupil, action: 'homework_help' });
        for (let run = 0; run < 2; run += 1) await end((await begin({ holder: classmate })).epoch);
        expect(await standing(classmate)).toMatchObject({
          'requests user month': [2, 0],
          'requests organization month': [4, 0],
        });
        await end((await begin({ holder: holderOf({ organizationId }) })).epoch);
        await expect(begin({ holder: holderOf({ organizationId }) })).rejects.toMatchObject({
          message: "this organisation's requests of this kind are used up for this month: 5",
        });
        const alone = holderOf();
        for (let run = 0; run < 5; run += 1) await end((await begin({ holder: alone })).epoch);
      },
    );

    quotaTest(
      "a share of the organisation's tokens holds, also where a user's own limit is none or higher",
      free({ user: { tokensPerMonth: 9 * RESERVED }, organization: { tokensPerDay: 5 * RESERVED } }),
      async ({ begin, end }) => {
        const organizationId = randomUUID();
        const holder = holderOf({ organizationId });
        await end((await begin({ holder })).epoch, { inputTokens: RESERVED, outputTokens: 0 });
        await expect(begin({ holder })).rejects.toMatchObject({
          code: 'quota_exceeded',
          quota: { used: RESERVED, limit: RESERVED },
        });
        await begin({ holder: holderOf({ organizationId }) });
      },
    );

    quotaTest(
      'plans count apart: enterprise has no limit, and is counted',
      { plans: { free: { requestsPerActionPerMonth: 1 }, enterprise: {} } },
      async ({ begin, end, standing }) => {
        const holder = holderOf({ tier: 'enterprise' });
        for (let run = 0; run < 3; run += 1) await end((await begin({ holder })).epoch);
        expect(await standing(holder)).toMatchObject({
          'requests user month': [3, 0],
          'tokens user month': [3 * COST, 0],
        });
      },
    );

    const HELD: readonly [of: string, limits: object, whose: string][] = [
      ['requests of the month', { requestsPerActionPerMonth: 1 }, 'your requests for this month'],
      ['tokens of the day', { user: { tokensPerDay: RESERVED } }, 'your tokens for this day'],
      ['tokens of the month', { user: { tokensPerMonth: RESERVED } }, 'your tokens for this month'],
      [
        "the organisation's tokens of the day",
        { organization: { tokensPerDay: RESERVED, userSharePercent: 100 } },
        "this organisation's tokens for this day",
      ],
    ];
    for (const [of, limits, whose] of HELD) {
      quotaTest(`${of} that live runs hold are to be had soon`, free(limits), async (subject) => {
        const holder = holderOf({ organizationId: of.includes('organisation') ? randomUUID() : null });
        const { epoch } = await subject.begin({ holder });
        const refusal: unknown = await subject.begin({ holder }).catch((error: unknown) => error);
        expect(refusal).toMatchObject({
          code: 'rate_limited',
          retryable: true,
          retryAfterMs: 5000,
          quota: undefined,
          message: `what is left of ${whose} is reserved by answers under way; try again when they end`,
        });
        subject.release(epoch);
        await subject.standing(holder);
        await subject.begin({ holder });
      });
    }

    quotaTest(
      'a start that is short of both what is used up and what live runs hold is told of the former',
      free({ requestsPerActionPerMonth: 1, user: { tokensPerDay: COST + RESERVED } }),
      async ({ begin, end }) => {
        const holder = holderOf();
        await end((await begin({ holder })).epoch);
        await begin({ holder, action: 'homework_help' });
        await expect(begin({ holder })).rejects.toMatchObject({
          code: 'quota_exceeded',
          quota: { limit: 1 },
        });
      },
    );

    quotaTest(
      'a start that is larger than its whole limit is not told to wait',
      free({ user: { tokensPerDay: 2 * RESERVED } }),
      async ({ begin }) => {
        const holder = holderOf();
        await begin({ holder });
        await expect(begin({ holder, maxTokens: 2 * RESERVED })).rejects.toMatchObject({
          code: 'quota_exceeded',
          quota: { used: RESERVED, limit: 2 * RESERVED },
        });
      },
    );

    quotaTest(
      'the daily budget holds all users together, tells clients no figure and the operator once a day',
      // 100 tokens at 2 dollars and 100 at 10 dollars per million: 1,200 µ$.
      { spendingPerDayUsd: 0.0025 },
      async ({ begin, end, clock }, told) => {
        const event = { day: '2026-11-22', limitUsd: 0.0025 };
        const { epoch } = await begin();
        const { epoch: second } = await begin();
        for (let start = 0; start < 2; start += 1) {
          await expect(begin()).rejects.toMatchObject({
            code: 'rate_limited',
            retryable: true,
            retryAfterMs: 5000,
          });
        }
        expect(told, 'live runs hold the rest').toEqual([{ reserved: event }]);
        await end(epoch, { inputTokens: 10, outputTokens: 8 }); // 100 µ$
        const { epoch: third } = await begin();
        for (const each of [second, third]) await end(each, { inputTokens: 50, outputTokens: 100 }); // 1,100 µ$
        for (let start = 0; start < 2; start += 1) {
          await expect(begin()).rejects.toMatchObject({
            code: 'quota_exceeded',
            quota: { resetsAt: Date.UTC(2026, 10, 23) },
          });
        }
        await expect(begin()).rejects.not.toMatchObject({ quota: { used: expect.anything() } });
        expect(told, 'it is spent').toEqual([{ reserved: event }, { spent: event }]);
        clock.stepWallClock(86_400_000);
        await begin();
      },
    );

    quotaTest(
      'a prompt that is counted to be shorter leaves room for the next start at once',
      free({ user: { tokensPerDay: 151 + RESERVED } }),
      async ({ begin, correct, standing }) => {
        const holder = holderOf();
        const { epoch, promptTokens } = await begin({ holder });
        expect(promptTokens).toBe(PROMPT_TOKENS);
        await expect(begin({ holder })).rejects.toMatchObject({ code: 'rate_limited' });
        correct(epoch, 50); // and one percent
        await begin({ holder });
        expect(await standing(holder)).toMatchObject({
          'requests user month': [0, 2],
          'tokens user day': [0, 151 + RESERVED],
          'tokens user month': [0, 151 + RESERVED],
        });
      },
    );

    quotaTest(
      'one that is counted to be longer goes on above the limit, and the next start sees it',
      free({ organization: { tokensPerDay: 2 * RESERVED, userSharePercent: 100 } }),
      async ({ begin, end, correct, standing }) => {
        const organizationId = randomUUID();
        const member = () => holderOf({ organizationId });
        const { epoch } = await begin({ holder: member() });
        correct(epoch, 300);
        expect(await standing(member())).toMatchObject({ 'tokens organization day': [0, 403] });
        await expect(begin({ holder: member() })).rejects.toMatchObject({ code: 'rate_limited' });
        await end(epoch, { inputTokens: 150, outputTokens: 20 });
        await begin({ holder: member() });
      },
    );

    quotaTest(
      'counted tokens are priced for the budget of all',
      // 100 tokens at 2 dollars and 100 at 10 dollars per million: 1,200 µ$; with 300 of prompt 1,606.
      { spendingPerDayUsd: 0.0025 },
      async ({ begin, correct }) => {
        const { epoch } = await begin();
        correct(epoch, 300);
        await expect(begin()).rejects.toMatchObject({ code: 'rate_limited' });
        correct(epoch, 10);
        await begin();
      },
    );

    quotaTest(
      'a count that comes once the run has ended changes nothing, nor does one of a run that nobody knows',
      free({}),
      async ({ begin, end, release, correct, standing }) => {
        const holder = holderOf();
        const { epoch: ended } = await begin({ holder });
        const { epoch: released } = await begin({ holder });
        correct(ended, 1000);
        await end(ended, { inputTokens: 7, outputTokens: 3 });
        release(released);
        for (const epoch of [ended, released, 'unknown']) correct(epoch, 5000);
        expect(await standing(holder)).toMatchObject({ 'tokens user day': [10, 0] });
      },
    );

    quotaTest(
      'a fallback is held for by its own tokens: those of the count times what its tokenizer makes of them',
      free({}),
      async ({ begin, correct, standing }) => {
        const reserved = async (...models: readonly [asked: string, fallback: string]) => {
          const holder = holderOf();
          const [model, fallback] = models;
          const { epoch } = await begin({ holder, model, fallback: { model: fallback, maxTokens: 100 } });
          correct(epoch, 1000);
          return (await standing(holder))['tokens user day'];
        };
        expect(await reserved('claude-haiku-4-5', 'claude-sonnet-5-5')).toEqual([0, 1313 + 100]);
        expect(await reserved('claude-sonnet-5-5', 'claude-haiku-4-5')).toEqual([0, 1010 + 100]);
      },
    );

    quotaTest(
      'a fallback that costs more, or says more, is reserved for in place of the model',
      { spendingPerDayUsd: 0.0035, plans: { free: { user: { tokensPerDay: 1000 } } } },
      async ({ begin, end, standing }) => {
        const holder = holderOf();
        // 100 tokens at 5 dollars and 100 at 25 per million: 3,000 µ$, where the model asked for would cost 1,200.
        const fallback = { model: 'claude-opus-5', maxTokens: 100 };
        const { epoch } = await begin({ holder, fallback });
        await expect(begin({ holder: holderOf() })).rejects.toMatchObject({ code: 'rate_limited' });
        await end(epoch, { inputTokens: 50, outputTokens: 10, model: 'claude-opus-5' }); // 500 µ$
        const { epoch: second } = await begin({ holder, fallback });
        await end(second, { inputTokens: 50, outputTokens: 10, model: 'claude-sonnet-5-5' }); // 200 µ$
        const cheap = { model: 'claude-haiku-5-5', maxTokens: 300 };
        await begin({ holder, fallback: cheap });
        expect(await standing(holder)).toMatchObject({ 'tokens user day': [120, 400] });
      },
    );

    quotaTest(
      'the daily budget holds where what answers has no price: it counts as what was asked for, or as the dearest',
      { spendingPerDayUsd: 0.0025 },
      async ({ begin, end }) => {
        await expect(begin({ model: 'claude-unknown-9' })).rejects.toMatchObject({ code: 'quota_exceeded' });
        for (let run = 0; run < 2; run += 1) {
          const { epoch } = await begin();
          // 1,100 µ$ at the price of the model that was asked for.
          await end(epoch, { inputTokens: 50, outputTokens: 100, model: 'claude-unknown-9' });
        }
        await expect(begin()).rejects.toMatchObject({ code: 'quota_exceeded' });
      },
    );
  });
}
