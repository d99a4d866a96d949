import { describe, expect, it } from 'vitest';
import { EFFORTS, ModelTable } from '../../src/models/model-table.ts';
import { type ThinkingSettings, thinkingPlan, unusableSettings } from '../../src/models/thinking.ts';
import { API_RULES, violations } from './api-rules.ts';

const table = ModelTable.load();
const TEXT_TOKENS = 4096;

const bodyOf = (model: string, settings: ThinkingSettings, textTokens = TEXT_TOKENS) => {
  const { fields, maxTokens } = thinkingPlan(table.find(model), settings, textTokens);
  return { model, max_tokens: maxTokens, messages: [{ role: 'user', content: 'hi' }], ...fields };
};

const SETTINGS: readonly ThinkingSettings[] = [
  ...(['off', 'on'] as const).flatMap((thinking) => [
    { thinking },
    ...EFFORTS.map((effort) => ({ thinking, effort })),
  ]),
  ...EFFORTS.flatMap((effort) =>
    (['summarized', 'omitted', undefined] as const).map((display) => ({
      thinking: display === undefined ? { effort } : { effort, display },
    })),
  ),
];

it('knows every model that the rules of the API name, and no other', () => {
  expect([...table.ids].sort()).toEqual(Object.keys(API_RULES).sort());
});

describe.each(Object.keys(API_RULES))('%s', (model) => {
  it('takes what is sent for every setting', () => {
    const refused = SETTINGS.map((settings) => ({ settings, why: violations(bodyOf(model, settings)) }));
    expect(refused.filter(({ why }) => why.length > 0)).toEqual([]);
  });

  it('says of an effort that it is unusable where the API would refuse it, and only there', () => {
    const { effort = null, thinking: { off } = { off: null } } = table.find(model) ?? {};
    const literal = ({ thinking, effort: plain }: ThinkingSettings) => ({
      model,
      max_tokens: 128_000,
      messages: [{ role: 'user', content: 'hi' }],
      ...(thinking === 'off' && (off === 'disabled' || off === 'between_tools')
        ? { thinking: { type: off } }
        : {}),
      output_config: { effort: (typeof thinking === 'object' ? thinking.effort : undefined) ?? plain },
    });
    // Where a model cannot be turned off, or knows no effort, the setting means something else than its words.
    const isLiteral = ({ thinking }: ThinkingSettings) =>
      effort !== null && !(thinking === 'off' && off === null);
    for (const settings of SETTINGS)
      expect(
        unusableSettings(table.find(model), settings, TEXT_TOKENS).length > 0,
        JSON.stringify(settings),
      ).toBe(isLiteral(settings) && violations(literal(settings)).some((why) => why.startsWith('effort')));
  });

  it.each(['off', 'on', { effort: 'low' }] as const)(
    'takes thinking %j at every number of tokens',
    (thinking) => {
      const { maxOutputTokens = 0 } = table.find(model) ?? {};
      for (const textTokens of [1, 1024, 8192, maxOutputTokens - 1, maxOutputTokens])
        expect(violations(bodyOf(model, { thinking }, textTokens))).toEqual([]);
    },
  );

  it('gives the text all of its tokens, whatever is thought', () => {
    const plan = thinkingPlan(table.find(model), { thinking: 'on' }, TEXT_TOKENS);
    expect(plan.thinks).toBe(true);
    expect(plan.maxTokens).toBeGreaterThanOrEqual(TEXT_TOKENS + 4096);
  });
});

it.each([
  ['claude-sonnet-5-5', { thinking: { type: 'between_tools' } }, 4096],
  ['claude-haiku-5-5', { thinking: { type: 'disabled' } }, 4096],
  ['claude-sonnet-5', { thinking: { type: 'disabled' } }, 4096],
  ['claude-opus-5', { thinking: { type: 'disabled' } }, 4096],
  ['claude-opus-4-8', {}, 4096],
  ['claude-haiku-4-5', {}, 4096],
  // It cannot be turned off: it thinks as little as it can, and has room for that.
  ['claude-opus-5-5', { output_config: { effort: 'low' } }, 8192],
  ['claude-fable-5-2', { output_config: { effort: 'low' } }, 8192],
])('turns thinking off for %s by %j', (model, fields, maxTokens) => {
  const { messages: _messages, model: _model, ...sent } = bodyOf(model, { thinking: 'off' });
  expect(sent).toEqual({ ...fields, max_tokens: maxTokens });
});

it('says nothing of the thinking of a model that is not in the table', () => {
  expect(thinkingPlan(table.find('some-model-of-a-gateway'), { thinking: 'off' }, 100)).toEqual({
    fields: {},
    pace: { tokensPerSecond: 60, maxTokens: 100 },
    thinks: false,
    maxTokens: 100,
  });
});

it.each([
  ['claude-opus-4-6', { thinking: { effort: 'xhigh' } }, 'thinking.effort', 'low, medium, high or max'],
  ['claude-sonnet-5-5', { thinking: 'off', effort: 'max' }, 'effort', 'low, medium or high'],
  ['claude-opus-4-5', { thinking: 'on', effort: 'max' }, 'effort', 'low, medium or high'],
  ['claude-haiku-4-5', { thinking: 'on', thinkingTokens: 63_000 }, 'thinkingTokens', 'at most 59904'],
] as const)('says what of the settings %s would refuse, and what is right', (model, settings, key, right) => {
  expect(unusableSettings(table.find(model), settings, TEXT_TOKENS)).toEqual([
    { key, why: expect.stringContaining(right) },
  ]);
});

it('says where a cap is more than the model can give', () => {
  expect(unusableSettings(table.find('claude-haiku-4-5'), { thinking: 'off' }, 100_000)).toEqual([
    { key: 'maxTokens', why: '100000 is more than the 64000 it can give; lower it' },
  ]);
});

it.each(['off', 'on', { effort: 'low', display: 'summarized' }] as const)(
  'asks a model that does not think for none, whatever is set: %j',
  (setting) => {
    const facts = table.find('claude-haiku-4-5');
    if (facts === undefined) throw new Error('not in the table');
    const silent = { ...facts, thinking: { ...facts.thinking, types: ['disabled' as const] } };
    const plan = thinkingPlan(silent, { thinking: setting }, TEXT_TOKENS);
    expect([plan.fields, plan.thinks, plan.maxTokens]).toEqual([{}, false, TEXT_TOKENS]);
    expect(unusableSettings(silent, { thinking: setting }, TEXT_TOKENS)).toEqual(
      setting === 'off' ? [] : [{ key: 'thinking', why: 'it does not think; use "off"' }],
    );
  },
);
