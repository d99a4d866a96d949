import { expect, it } from 'vitest';
import { ask, askWhole } from '../support/http-doors.ts';
import { startRelay } from '../support/relay-process.ts';

it('speaks of rows that wait for Postgres only where there is one: otherwise their age would grow for ever', async () => {
  await using relay = await startRelay();
  const messages = [{ role: 'user' as const, content: 'What is 7 × 8?' }];
  await askWhole(relay.url, await relay.token(), { id: 'row-1', action: 'chat', messages });
  expect(await relay.usageRows()).toHaveLength(1);
  const text = (await ask(`${relay.url}/metrics`)).body;
  expect(text).toContain('dash_ledger_degraded 0');
  expect(text).not.toMatch(/dash_usage_(rows_waiting|rows_quarantined|oldest_waiting_seconds)/);
});
