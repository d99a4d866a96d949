import { expect, it } from 'vitest';
import { LONG, SEED } from '../support/test-run.ts';
import { fuzz } from './campaign.ts';
import { type FuzzTarget, subject } from './fuzz-target.ts';
import { seedNumber } from './seed.ts';
import { TARGETS } from './targets/all.ts';

const TIMES = LONG ? 30 : 1;

it.each(TARGETS)(
  '$name: whatever comes is taken, or refused as it may be',
  { timeout: 600_000 },
  async (target) => {
    await expect(
      fuzz(target, { seed: seedNumber(SEED), cases: target.cases * TIMES }),
    ).resolves.toBeUndefined();
  },
);

it('what breaks a property is found, and told with the seed and the shortest input', async () => {
  const planted: FuzzTarget = {
    name: 'a planted fault',
    corpus: ['{"type":"start"}'],
    cases: 2000,
    open: () =>
      subject((input) => {
        if (input.includes('__proto__')) throw new TypeError('careless');
      }),
  };
  const failing = fuzz(planted, { seed: 7, cases: planted.cases });
  await expect(failing).rejects.toThrow("npm run fuzz -- --seed 7 'a planted fault'");
  await expect(failing).rejects.toThrow(/Counterexample: \["[^"]{0,9}__proto__/);
});

it('what pollutes a prototype, or fails where nobody waits for it, is found too', async () => {
  const polluting = subject(() => void Object.assign(String.prototype, { polluted: true }));
  const target = { name: 'polluting', corpus: ['x'], cases: 1, open: () => polluting };
  await expect(fuzz(target, { seed: 1, cases: 1 })).rejects.toThrow('a prototype has another property');
  Reflect.deleteProperty(String.prototype, 'polluted');
});
