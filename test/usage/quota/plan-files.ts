/** Plans, runs and holders for tests of quotas. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadPlans, type Plans, type PlansOptions } from '../../../src/quota/plans.ts';
import type { QuotaHolder, QuotaRun } from '../../../src/quota/port.ts';

/** A plans file that lives as long as the test; `plans` besides empty ones of `free` and `anonymous`. */
export function plansFile(content: { plans?: object; [field: string]: unknown } | string): string {
  const directory = mkdtempSync(join(tmpdir(), 'plans-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'plans.json');
  const whole =
    typeof content === 'string'
      ? content
      : JSON.stringify({ ...content, plans: { free: {}, anonymous: {}, ...content.plans } });
  writeFileSync(file, whole);
  return file;
}

export function plansOf(
  content: Exclude<Parameters<typeof plansFile>[0], string>,
  options: Partial<PlansOptions> = {},
): Plans {
  return loadPlans({
    file: plansFile(content),
    defaults: { streams: 32, startsPerMinute: 60 },
    overrides: {},
    onUnknownTier: () => {},
    ...options,
  });
}

/** A new user each time, with the plan `free`. */
export function holderOf(given: Partial<QuotaHolder> = {}): QuotaHolder {
  return { userId: randomUUID(), organizationId: null, tier: null, anonymous: false, ...given };
}

/** What the prompt of `runOf` is reserved as. */
export const PROMPT_TOKENS = 100;

/** Reserves 100 tokens of prompt and `maxTokens`. */
export function runOf(given: Partial<QuotaRun> & Pick<QuotaRun, 'startedAt'>): QuotaRun {
  return {
    epoch: randomBytes(12).toString('base64url'),
    holder: holderOf(),
    action: 'chat',
    model: 'claude-sonnet-5-5',
    system: '',
    messages: [{ role: 'user', content: 'x'.repeat(38) }],
    maxTokens: 100,
    ...given,
  };
}
