import { describe, expect, it } from 'vitest';
import { actionsByPlan } from '../../src/config/plan-actions.ts';
import { ModelTable } from '../../src/models/model-table.ts';
import type { Action } from '../../src/run/request.ts';
import { holderOf, plansOf } from '../usage/quota/plan-files.ts';

const action: Action = {
  system: 'Be kind.',
  defaultMaxTokens: 100,
  maxTokens: 200,
  thinking: 'off',
  allEvents: false,
};

/** The action `chat`, and one that the plan says nothing of by name, as `pro` has them. */
function chatOf(pro: object, given: Partial<Action> = {}) {
  const own = { ...action, ...given };
  const actions = new Map([
    ['chat', own],
    ['grading', own],
  ]);
  const actionsOf = actionsByPlan(actions, plansOf({ plans: { pro } }), ModelTable.load());
  const [free, paid] = [actionsOf(holderOf()), actionsOf(holderOf({ tier: 'pro' }))];
  expect([free.plan, paid.plan]).toEqual(['free', 'pro']);
  expect(free.actions.get('chat'), 'another plan has none of it').toBe(own);
  const [chat = action, other = action] = paid.actions.values();
  return { own, chat, other };
}

describe('the actions of a plan', () => {
  it('are the very actions where it says nothing of them', () => {
    const { own, chat, other } = chatOf({ actions: { chat: { effort: 'low' } } });
    expect(chat).toEqual({ ...own, effort: 'low' });
    expect(other).toBe(own);
  });

  it('have what it says of the single action, then what it says of all, then their own', () => {
    const { own, chat, other } = chatOf({
      settings: { thinking: 'on', maxTokens: 1000, thinkingTokens: 5000 },
      actions: { chat: { maxTokens: 2000, defaultMaxTokens: 300 } },
    });
    expect(other).toEqual({ ...own, thinking: 'on', maxTokens: 1000, thinkingTokens: 5000 });
    expect(chat).toEqual({ ...other, maxTokens: 2000, defaultMaxTokens: 300 });
  });

  it('are kept as long as it says, whole', () => {
    const { chat, other } = chatOf(
      { settings: { cache: 'off' }, actions: { chat: { cache: { system: '1h' } } } },
      { cache: { history: 'off' } },
    );
    expect([other.cache, chat.cache]).toEqual(['off', { system: '1h' }]);
  });

  it('keep nothing of the effort of an action where the plan names one', () => {
    const thinking = { effort: 'high', display: 'summarized' } as const;
    const { chat, other } = chatOf(
      { settings: { effort: 'low' }, actions: { chat: { thinking: { effort: 'medium' } } } },
      { thinking },
    );
    expect(other).toMatchObject({ thinking: { display: 'summarized' }, effort: 'low' });
    expect(other.thinking).not.toHaveProperty('effort');
    expect(chat.thinking).toEqual({ effort: 'medium' });
  });

  it('have the models that it names of theirs, in its order, and by name also others', () => {
    const [haiku, sonnet, opus] = ['claude-haiku-5-5', 'claude-sonnet-5-5', 'claude-opus-5-5'];
    const { chat, other } = chatOf(
      { settings: { models: [sonnet, opus, haiku] }, actions: { chat: { models: [opus] } } },
      { models: [haiku ?? '', sonnet ?? ''] },
    );
    expect(other.models).toEqual([sonnet, haiku]);
    expect(chat.models).toEqual([opus]);
  });

  it('have the models that aliases stand for', () => {
    const { chat, other } = chatOf({
      settings: { models: ['sonnet'] },
      actions: { chat: { models: ['haiku', 'claude-opus-5'] } },
    });
    expect(other.models).toEqual(['claude-sonnet-5-5']);
    expect(chat.models).toEqual(['claude-haiku-5-5', 'claude-opus-5']);
  });

  it.each<[string, object, string | undefined]>([
    ['is one of the models that the plan names', { models: ['sonnet', 'haiku'] }, 'claude-haiku-5-5'],
    ['is not one of them, or the first, and so none', { models: ['sonnet'] }, undefined],
    ['is the first of them, and so none', { models: ['haiku', 'sonnet'] }, undefined],
    ['is what the plan says itself', { models: ['sonnet'], fallback: 'opus' }, 'claude-opus-5-5'],
    ['is the action’s where the plan names no models', { maxTokens: 300 }, 'claude-haiku-5-5'],
  ])('have a fallback that %s', (_, settings, fallback) => {
    const { chat, other } = chatOf(
      { settings, actions: { chat: settings } },
      { fallback: 'claude-haiku-5-5' },
    );
    expect([chat.fallback, other.fallback]).toEqual([fallback, fallback]);
  });

  it.each([
    ['the action’s that the plan has', { models: ['fable', 'opus'] }, ['claude-opus-5-5']],
    ['none where the plan has none of them', { models: ['fable'] }, 'off'],
    ['what the plan says itself', { models: ['fable'], refusalFallbacks: ['sonnet'] }, ['claude-sonnet-5-5']],
    ['none where the plan says so', { refusalFallbacks: 'off' }, 'off'],
    [
      'the action’s where the plan names no models',
      { maxTokens: 300 },
      ['claude-opus-5-5', 'claude-haiku-5-5'],
    ],
  ] as const)('ask of those that may answer where a model declines %s', (_, settings, expected) => {
    const { chat, other } = chatOf(
      { settings, actions: { chat: settings } },
      { refusalFallbacks: ['claude-opus-5-5', 'claude-haiku-5-5'] },
    );
    expect([chat.refusalFallbacks, other.refusalFallbacks]).toEqual([expected, expected]);
  });
});
