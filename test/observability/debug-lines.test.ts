/** Debug lines while a relay runs: switched on by a signal, of use to whoever follows one request, and off again. */
import { describe, expect, it } from 'vitest';
import { createDebugLines, toggleDebug } from '../../src/observability/debug-lines.ts';
import { SampledLines } from '../../src/observability/sampled-lines.ts';
import { open, textOf } from '../support/http-doors.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  dataDirectory,
  type LogLine,
  spawnRelay,
  startSimulatedRelay,
  type TestRelay,
} from '../support/relay-process.ts';
import { keepLines } from './log-lines.ts';

const BODY = { action: 'chat', messages: [{ role: 'user', content: 'A canary sings: xyzzy-plugh.' }] };
const RUN = {
  streamId: 's1',
  epoch: 'e1',
  userId: 'u1',
  action: 'chat',
  model: 'claude-test',
  door: 'json',
  requestId: 'r1',
  connectionId: null,
  organizationId: null,
  tier: null,
  traceparent: undefined,
} as const;

async function answeredRequest(relay: TestRelay, model?: string): Promise<unknown> {
  const body = model === undefined ? BODY : { ...BODY, model };
  const response = await open(`${relay.url}/v1/chat`, { method: 'POST', token: await relay.token(), body });
  await textOf(response);
  return response.headers['x-request-id'];
}

function debugLinesOf({ logLines }: TestRelay, requestId: unknown): readonly LogLine[] {
  return logLines.filter((line) => line['level'] === 'debug' && line['requestId'] === requestId);
}

describe('SIGUSR2', () => {
  it('has debug lines written, by request id and without a word of the question, until it comes again', async () => {
    using directory = dataDirectory();
    await using relay = await spawnRelay(directory.path, { LOG_LEVEL: 'info' });
    expect(debugLinesOf(relay, await answeredRequest(relay))).toEqual([]);

    relay.kill('SIGUSR2');
    await relay.logged('log level changed');
    const followed = await answeredRequest(relay);
    await relay.logged('stream ended', 2);
    const said = debugLinesOf(relay, followed).map(({ event, step }) => (step ? `${event} ${step}` : event));
    expect(said.slice(0, 6)).toEqual([
      'step_over quota',
      'step_over ledger_intent',
      'upstream_attempt_begun',
      'upstream_attempt_answered',
      'upstream_attempt_over',
      'step_over ledger_settlement',
    ]);
    expect(relay.logText.join('')).not.toContain('xyzzy');

    relay.kill('SIGUSR2');
    const changes = await relay.logged('log level changed', 2);
    expect(changes.map(({ logLevel }) => logLevel)).toEqual(['debug', 'info']);
    const unfollowed = await answeredRequest(relay);
    await relay.logged('stream ended', 3);
    expect(debugLinesOf(relay, unfollowed)).toEqual([]);
  });
});

it('tells each try at the model, and how it ended', async () => {
  await using relay = await startSimulatedRelay();
  const requestId = await answeredRequest(relay, 'sim:overloaded');
  await relay.logged('stream ended');
  const lines = debugLinesOf(relay, requestId);
  const begun = lines.filter(({ event }) => event === 'upstream_attempt_begun');
  const over = lines.filter(({ event }) => event === 'upstream_attempt_over');
  expect(begun.map(({ attempt }) => attempt)).toEqual(begun.map((_, index) => index + 1));
  expect(over).toHaveLength(begun.length);
  expect(over.at(-1)).toMatchObject({ outcome: 'failed', code: 'upstream_overloaded' });
  expect(lines.find(({ event }) => event === 'upstream_attempt_answered')).toMatchObject({
    status: 529,
    upstreamRequestId: expect.stringMatching(/^req_/),
    ms: expect.any(Number),
  });
});

describe('a toggled level', () => {
  it.each([
    ['info', 'debug'],
    ['warn', 'debug'],
    ['silent', 'debug'],
    ['debug', 'info'],
    ['trace', 'info'],
  ])('from %s becomes %s and back, and both changes are in the log', (configured, other) => {
    const { logger, parsed } = keepLines(configured);
    toggleDebug(logger, configured);
    expect(logger.level).toBe(other);
    toggleDebug(logger, configured);
    expect(logger.level).toBe(configured);
    expect(parsed()).toEqual([
      expect.objectContaining({ event: 'log_level_changed', logLevel: other }),
      expect.objectContaining({ event: 'log_level_changed', logLevel: configured }),
    ]);
  });

  it('holds for sampled lines too', () => {
    const { logger, parsed } = keepLines('warn');
    const sampled = new SampledLines(logger, new ManualClock());
    const kind = { level: 'info', message: 'connection opened', lines: 1, fields: {} } as const;
    sampled.write(kind, 'u1', { connectionId: 'c1' });
    toggleDebug(logger, 'warn');
    sampled.write(kind, 'u1', { connectionId: 'c2' });
    sampled.write(kind, 'u1', { connectionId: 'c3' });
    sampled.close();
    const said = parsed().filter(({ event }) => event === 'connection_opened');
    expect(said).toEqual([
      expect.objectContaining({ connectionId: 'c2' }),
      expect.objectContaining({ suppressed: 1 }),
    ]);
  });
});

it('makes nothing for a run while debug is off', () => {
  const { logger } = keepLines('info');
  expect(createDebugLines(logger, new ManualClock()).begin(RUN)).toBeUndefined();
});

it('times a step, and names the code where it failed', () => {
  const { logger, parsed } = keepLines('debug');
  const clock = new ManualClock();
  const over = createDebugLines(logger, clock).begin(RUN)?.step('quota');
  clock.advance(12.34);
  over?.('quota_exceeded');
  const { action, model, organizationId, tier, traceparent, ...run } = RUN;
  expect(parsed()).toEqual([
    expect.objectContaining({ ...run, event: 'step_over', step: 'quota', code: 'quota_exceeded', ms: 12.3 }),
  ]);
});
