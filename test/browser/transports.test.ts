import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { answering, NETWORK } from './answering.ts';
import { numberedWords, PACE, setStage } from './stage.ts';

const stage = setStage();

const withoutSockets = (page: Page) => page.routeWebSocket('**/v1/ws', (socket) => void socket.close());

async function withoutEvents(page: Page): Promise<void> {
  await withoutSockets(page);
  await page.route(/\/v1\/(chat|streams)/, async (route) => {
    const { accept } = await route.request().allHeaders();
    if (accept === 'text/event-stream') await route.abort();
    else await route.continue();
  });
}

describe('an answer without WebSockets', () => {
  it('comes by events where sockets are blocked', async () => {
    const demo = await answering(stage, { mayComplain: NETWORK, prepare: withoutSockets });
    await demo.panel.getByText('by SSE').waitFor();
    await demo.wholeOnce();
  });

  it('comes in one piece where events are blocked as well', async () => {
    const demo = await stage.open({ mayComplain: NETWORK, prepare: withoutEvents });
    const words = numberedWords(60);
    stage.relay.simulator.script({ deltas: words, pace: PACE });
    await demo.ask('Count in one go');
    await demo.answer.getByText('word-60').waitFor();
    await demo.panel.getByText('by JSON').waitFor();
    expect(await demo.text()).toBe(words.join(''));
  });

  it('moves to events midway, whole and once, when the operator’s switch says so', async () => {
    const demo = await answering(stage);
    await demo.panel.getByRole('radio', { name: 'SSE' }).check();
    await demo.panel.getByText('by SSE').waitFor();
    await demo.wholeOnce();
  });
});
