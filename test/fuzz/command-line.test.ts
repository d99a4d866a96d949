import { expect, it } from 'vitest';
import { LONG, SEED } from '../support/test-run.ts';
import { fuzz } from './campaign.ts';
import { seedNumber } from './seed.ts';
import { commandLine } from './targets/command-line.ts';

it('whatever words a command is given, it does it, or says what is wrong with them', {
  timeout: 600_000,
}, async () => {
  const cases = LONG ? 60 : commandLine.cases;
  await expect(fuzz(commandLine, { seed: seedNumber(SEED), cases })).resolves.toBeUndefined();
});
