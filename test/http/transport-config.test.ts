import { describe, expect, it } from 'vitest';
import { transportOf } from '../../src/http/routes/transport-config.ts';
import { ask, askWhole } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import { startSimulatedRelay, userId } from '../support/relay-process.ts';
import { report } from '../support/test-run.ts';

const USERS = Array.from({ length: 10_000 }, (_, user) => userId(user));
const chosen = (websocketPercent: number) =>
  USERS.filter((user) => transportOf(user, websocketPercent) === 'websocket');

describe('the rollout', () => {
  it('at 10 percent is a tenth of the users, always the same ones, and all of them are in at 20', () => {
    const tenth = chosen(10);
    report(`at 10 percent: ${tenth.length} of ${USERS.length}`);
    // Six standard deviations of a fair draw.
    expect(Math.abs(tenth.length - 1000)).toBeLessThan(180);
    expect(chosen(10)).toEqual(tenth);
    const fifth = new Set(chosen(20));
    expect(tenth.filter((user) => !fifth.has(user))).toEqual([]);
  });

  it('at 0 and 100 percent is nobody and everybody', () => {
    expect(chosen(0)).toEqual([]);
    expect(chosen(100)).toEqual(USERS);
  });

  it('answers each user what holds for that user', async () => {
    await using relay = await startSimulatedRelay({}, { WEBSOCKET_ROLLOUT_PERCENT: '10' });
    for (const user of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const { status, body } = await ask(`${relay.url}/v1/config`, { token: await relay.token(user) });
      expect(status).toBe(200);
      const expected = transportOf(userId(user), 10);
      expect(JSON.parse(body)).toEqual({
        transport: expected,
        pollAfterMs: 300_000,
        enabled: true,
        uploads: true,
        from: { transport: 'environment', enabled: 'environment' },
      });
    }
  });
});

it('STREAMING_ENABLED=false sends everybody to JSON, which still answers', async () => {
  await using relay = await startSimulatedRelay({}, { STREAMING_ENABLED: 'false' });
  const token = await relay.token();
  expect(JSON.parse((await ask(`${relay.url}/v1/config`, { token })).body)).toMatchObject({
    transport: 'json',
  });
  await expect(connectClient({ url: relay.url, token })).rejects.toThrow();
  const question = {
    id: 'switched-off',
    action: 'chat',
    messages: [{ role: 'user' as const, content: 'Hello' }],
  };
  expect(await askWhole(relay.url, token, question)).toMatchObject({ stopReason: 'end_turn' });
});
