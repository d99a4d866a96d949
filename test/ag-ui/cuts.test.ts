/** A network that cuts, and apps that stop, with the official client in between. */
import { createHash } from 'node:crypto';
import type { Message } from '@ag-ui/core';
import { expect, it, onTestFinished } from 'vitest';
import { Random } from '../../src/simulator/random.ts';
import { deltasFor } from '../support/deltas-for.ts';
import { type Fault, startFaultProxy } from '../support/fault-proxy.ts';
import { startSimulatedRelay } from '../support/relay-process.ts';
import { eventually, LONG, percentiles, report, SEED } from '../support/test-run.ts';
import { agentOf, run, textOf } from './library.ts';

const CUTS = LONG ? 1_000 : 60;
const STOPS = LONG ? 500 : 40;
const AT_ONCE = 8;
const FAULTS: readonly Fault[] = ['cut', 'reset'];

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Where a response is cut, the library rejects a second promise, of its reader's `cancel()`, which no app can catch. That is
 * ignored until the end of the test, and nothing else.
 */
function ignoreUncaughtCuts(): void {
  const before = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (reason, promise) => {
    if (reason instanceof TypeError && reason.message === 'terminated') return;
    for (const listener of before) listener(reason, promise);
  });
  onTestFinished(() => {
    process.removeAllListeners('unhandledRejection');
    for (const listener of before) process.on('unhandledRejection', listener);
  });
}

it(
  `${CUTS} cuts, the same run asked again after each: every text is whole, once, with one call and one row`,
  async () => {
    ignoreUncaughtCuts();
    const random = new Random(SEED);
    await using relay = await startSimulatedRelay({
      pace: { firstTokenMs: [1, 20], deltasPerSecond: [200, 600] },
    });
    relay.simulator.always(({ question }) => ({ deltas: deltasFor(question) }));
    await using proxy = await startFaultProxy(relay.url, () => ({
      // Also ahead of the head, inside an event and inside a character.
      fault: { afterBytes: Math.floor(random.between(1, 90) ** 2), kind: random.pick(FAULTS) },
    }));
    let asked = 0;
    const ask = async (user: number): Promise<void> => {
      while (proxy.faults < CUTS) {
        asked += 1;
        const content = `question ${asked} of ${SEED}`;
        const initialMessages: Message[] = [{ id: 'asked', role: 'user', content }];
        const agent = await agentOf(relay, { user, initialMessages, url: `${proxy.url}/v1/ag-ui` });
        const runId = `run-${asked}`;
        let ended = false;
        while (!ended) {
          const { events } = await run(agent, { onDisconnect: 'resume' }, { runId });
          ended = events.at(-1)?.type === 'RUN_FINISHED';
        }
        expect(sha256(textOf(agent.messages)), `seed ${SEED}, ${content}`).toBe(
          sha256(deltasFor(content).join('')),
        );
        expect(agent.messages, 'one message').toHaveLength(2);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, (_, user) => ask(user)));
    expect(relay.simulator.requests, 'one call each').toHaveLength(asked);
    const rows = await relay.usageRows();
    expect(rows, 'one row each').toHaveLength(asked);
    expect(rows.filter(({ status, source }) => status !== 'done' || source !== 'final')).toEqual([]);
    report(`${proxy.faults} cuts on ${proxy.links.length} connections, ${asked} runs; seed ${SEED}`);
  },
  LONG ? 600_000 : undefined,
);

it(
  `${STOPS} stops by abortRun reach the model, each with its receipt in the row`,
  async () => {
    await using relay = await startSimulatedRelay({ pace: { firstTokenMs: 1, deltasPerSecond: 200 } });
    const tookMs: number[] = [];
    for (let stops = 0; stops < STOPS; stops += 1) {
      const agent = await agentOf(relay);
      let stoppedAt = 0;
      await agent.runAgent(
        { forwardedProps: { action: 'chat', model: 'sim:long' } },
        {
          onTextMessageContentEvent() {
            stoppedAt ||= performance.now();
            agent.abortRun();
          },
        },
      );
      await eventually('the model is stopped', () => relay.simulator.stats.aborted === stops + 1);
      tookMs.push((relay.simulator.requests.at(-1)?.closedAt ?? Number.NaN) - stoppedAt);
    }
    const statuses = async () => (await relay.usageRows()).map(({ status }) => status);
    await eventually('each is settled', async () => !(await statuses()).includes('running'));
    expect(await statuses()).toEqual(Array.from({ length: STOPS }, () => 'cancelled'));
    report(`from abortRun() to the model's side, ms: ${percentiles(tookMs)}`);
    expect(tookMs.every((ms) => ms > 0)).toBe(true);
  },
  LONG ? 300_000 : undefined,
);
