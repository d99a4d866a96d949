import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { CacheBreakpoints } from '../../../src/models/cache.ts';
import { ModelTable } from '../../../src/models/model-table.ts';
import { loadPrices } from '../../../src/pricing/prices.ts';
import { NO_USAGE } from '../../../src/protocol/usage-reading.ts';
import { ChargePolicy } from '../../../src/quota/charges.ts';
import { periodAt } from '../../../src/quota/period.ts';
import type { QuotaRun } from '../../../src/quota/port.ts';
import { estimatePromptTokens, tokenScale } from '../../../src/quota/prompt-tokens.ts';
import { plansOf, runOf } from './plan-files.ts';

const models = ModelTable.load();
const textOf = (text: string, model: string) =>
  estimatePromptTokens({ system: '', messages: [{ role: 'user', content: text }] }, models.find(model)) -
  (64 + 16);

/**
 * The beginning of the Declaration of Human Rights and its like, with the tokens that the public tokenizer of the models
 * before Claude 3 makes of it.
 */
const MEASURED: [what: string, text: string, tokens: number][] = [
  [
    'English',
    'All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and should act towards one another in a spirit of brotherhood. Everyone is entitled to all the rights and freedoms set forth in this Declaration, without distinction of any kind.',
    55,
  ],
  [
    'Zulu',
    'Bonke abantu bazalwa bekhululekile belingana ngesithunzi nangamalungelo. Bahlanganiswe wumcabango nangunembeza futhi kufanele baphathane ngomoya wobunye. Wonke umuntu unelungelo kuwo wonke amalungelo nenkululeko okubalulwe kulesi Simemezelo, ngaphandle kokukhetha.',
    107,
  ],
  [
    'Greek',
    'Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. Είναι προικισμένοι με λογική και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ τους με πνεύμα αδελφοσύνης.',
    210,
  ],
  [
    'Arabic',
    'يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق. وقد وهبوا عقلاً وضميرًا وعليهم أن يعامل بعضهم بعضًا بروح الإخاء.',
    109,
  ],
  [
    'Hindi',
    'सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। उन्हें बुद्धि और अन्तरात्मा की देन प्राप्त है और परस्पर उन्हें भाईचारे के भाव से बर्ताव करना चाहिए।',
    199,
  ],
  [
    'Thai',
    'มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างมีเหตุผลและมโนธรรม และควรปฏิบัติต่อกันด้วยเจตนารมณ์แห่งภราดรภาพ',
    240,
  ],
  [
    'Chinese',
    '人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。人人有资格享受本宣言所载的一切权利和自由。',
    72,
  ],
  [
    'Korean',
    '모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으로 이성과 양심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다.',
    95,
  ],
  [
    'source code',
    'export function promptTokens(prompt: Prompt): number {\n  let tokens = 64;\n  for (const { content } of prompt.messages) {\n    tokens += contentTokens(content);\n  }\n  return tokens;\n}\n',
    48,
  ],
];

it.each(MEASURED)('an estimate of %s is near what it takes, or above', (_, text, tokens) => {
  const estimate = textOf(text, 'claude-haiku-4-5');
  expect(estimate / tokens).toBeGreaterThan(0.9);
  expect(estimate / tokens).toBeLessThan(2.2);
  expect(
    textOf(text, 'claude-sonnet-5-5') / estimate,
    'as many more as the newer tokenizer makes',
  ).toBeCloseTo(1.3, 1);
});

it('a text is more tokens than two and a half times its estimate in no script, and fewer than its bytes', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 20 }),
      fc.constantFrom(...models.ids, 'unknown'),
      (text, model) => {
        const [estimate, bytes] = [textOf(text, model), Buffer.byteLength(text)];
        expect(estimate * 2.5).toBeGreaterThanOrEqual(bytes);
        expect(estimate).toBeLessThanOrEqual(bytes);
      },
    ),
  );
});

it('a prompt is its texts, room for each message, its images as large as the model takes them, and its format', () => {
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } } as const;
  const prompt = {
    system: 'x'.repeat(100),
    messages: [
      { role: 'user', content: 'x'.repeat(100) },
      { role: 'assistant', content: [{ type: 'text', text: 'x'.repeat(50) }, image] },
    ],
  } as const;
  const tokensOf = (model: string, more = {}) =>
    estimatePromptTokens({ ...prompt, ...more }, models.find(model));
  expect(tokensOf('claude-haiku-4-5')).toBe(64 + 2 * 16 + 100 + 1600);
  expect(tokensOf('claude-sonnet-5-5')).toBe(64 + 2 * 16 + 130 + 4784);
  expect(tokensOf('claude-of-tomorrow')).toBe(64 + 2 * 16 + 135 + 5000);
  expect(tokensOf('claude-haiku-4-5', { instructions: 'x'.repeat(50) })).toBe(64 + 2 * 16 + 120 + 1600);
  const outputFormat = { type: 'json_schema', schema: { type: 'object' } };
  expect(tokensOf('claude-haiku-4-5', { outputFormat })).toBeGreaterThan(tokensOf('claude-haiku-4-5') + 15);
});

const at = (ttl: '5m' | '1h') => ({ message: 0, block: 0, ttl });

// 100 tokens of prompt at 2, 2.50 or 4 dollars per million, and 100 of the answer at 10.
it.each<[what: string, cache: CacheBreakpoints | undefined, microUsd: number]>([
  ['read', undefined, 1200],
  ['read', { messages: [] }, 1200],
  ['written to the cache', { messages: [at('5m')] }, 1250],
  ['written for an hour', { system: '1h', messages: [at('5m')] }, 1400],
  ['written for an hour', { messages: [at('1h')] }, 1400],
])('a prompt is reserved as dear as it can be: %s by %j', (_, cache, microUsd) => {
  expect(reservedFor({ cache })).toEqual([microUsd, 200]);
});

const RESERVED_AT = Date.UTC(2026, 10, 28);
const SMALL = { model: 'claude-haiku-5-5', maxTokens: 100 };

/** In 10^-6 dollars and tokens. */
function reservedFor(run: Partial<QuotaRun>): (number | undefined)[] {
  const policy = new ChargePolicy(plansOf({ spendingPerDayUsd: 1, plans: {} }), loadPrices(), models);
  const { charges } = policy.reservation(runOf({ startedAt: RESERVED_AT, ...run }));
  return ['spending', 'tokens'].map((of) => charges.find(({ counter }) => counter.of === of)?.amount);
}

// What Sonnet costs is 1,200; Haiku at 0.10 and 0.50 takes 60 for the same.
it.each([
  ['a list', [{ model: 'claude-haiku-5-5', maxTokens: 100 }], 1260, 200],
  ['a longer answer', [{ model: 'claude-haiku-5-5', maxTokens: 300 }], 1360, 400],
] as const)(
  'who answers where a model declines may be billed besides: %s',
  (_, refusalFallbacks, microUsd, tokens) => {
    expect(reservedFor({ refusalFallbacks })).toEqual([microUsd, tokens]);
    expect(reservedFor({ fallback: { ...SMALL, refusalFallbacks } })).toEqual([1200, tokens]);
  },
);

it('what is counted of a prompt is billed by each that may answer, by its own tokenizer', () => {
  const policy = new ChargePolicy(plansOf({ spendingPerDayUsd: 1, plans: {} }), loadPrices(), models);
  const refusalFallbacks = [{ model: 'claude-haiku-4-5', maxTokens: 100 }];
  const run = policy.reservation(runOf({ startedAt: RESERVED_AT, refusalFallbacks }));
  const { charges, promptTokens } = policy.corrected(run, 1300);
  const amountOf = (of: string) => charges.find(({ counter }) => counter.of === of)?.amount;
  // Sonnet: 1,313 tokens at 2 dollars and 100 at 10; Haiku 4.5: 1,010 at 1 dollar and 100 at 5.
  expect([amountOf('spending'), amountOf('tokens')]).toEqual([2626 + 1000 + 1010 + 500, 1413]);
  expect(promptTokens).toBe(100);
});

it('whom the API chooses may be the dearest', () => {
  const dearest = Number(
    loadPrices().dearestPico({ ...NO_USAGE, inputTokens: 101, outputTokens: 100 }, RESERVED_AT) / 1_000_000n,
  );
  const [microUsd, tokens] = reservedFor({ refusalFallbacks: 'default' });
  expect(microUsd).toBe(1200 + dearest);
  expect(tokens).toBe(201);
});

it.each([
  ['day', Date.UTC(2026, 11, 31, 23, 59, 59, 999), '2026-12-31', Date.UTC(2027, 0, 1)],
  ['month', Date.UTC(2026, 11, 31, 23, 59, 59, 999), '2026-12', Date.UTC(2027, 0, 1)],
  ['month', Date.UTC(2028, 1, 29), '2028-02', Date.UTC(2028, 2, 1)],
  ['day', Date.UTC(2026, 0, 1), '2026-01-01', Date.UTC(2026, 0, 2)],
] as const)('the %s of an instant, in UTC', (kind, at, name, resetsAt) => {
  expect(periodAt(kind, at)).toEqual({ kind, name, resetsAt });
});

const image = {
  type: 'image',
  source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' },
} as const;
const [NEWER, OLDER, UNKNOWN] = ['claude-sonnet-5-5', 'claude-haiku-4-5', 'claude-of-tomorrow'] as const;

it.each([
  ['the same model', NEWER, NEWER, 1, 1],
  // Of text it makes less, of a small image as many.
  ['a model of the older tokenizer', NEWER, OLDER, 1 / 1.3, 1],
  ['one of the newer, which sees more of an image', OLDER, NEWER, 1.3, 4784 / 1600],
  ['one that is not in the table', NEWER, UNKNOWN, 1.35 / 1.3, 5000 / 4784],
])(
  'what one model counts is, for %s, so many times as many at most',
  (_, counts, answers, text, withImage) => {
    const scale = (content: string | [typeof image]) =>
      tokenScale(
        { messages: [{ role: 'user', content }] },
        { counts: models.find(counts), answers: models.find(answers) },
      );
    expect(scale('Hello')).toBeCloseTo(text, 10);
    expect(scale([image])).toBeCloseTo(withImage, 10);
  },
);

it('an answer with tools is reserved as often as its model may be asked, with some of what they answer', () => {
  const asker = { userHash: 'hash', userId: 'user', organizationId: null, tier: null };
  const toolUse = { tools: [], maxSteps: 4, action: 'chat', asker };
  const [spending = 0, tokens = 0] = reservedFor({});
  const answers = 600 + 2_000; // what the API says of tools, and what these answer
  const more = reservedFor({ toolUse });
  expect(more[1]).toBeGreaterThanOrEqual(5 * (tokens + answers));
  expect(more[1]).toBeLessThan(5 * (tokens + answers + 10));
  expect(more[0]).toBeGreaterThan(5 * spending);
});
