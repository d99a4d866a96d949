import { describe, expect, it, onTestFinished } from 'vitest';
import { ofType } from '../support/assistant-page.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { answering, NETWORK } from './answering.ts';
import { numberedWords, PACE, SOON, setStage } from './stage.ts';

const stage = setStage();

describe('an answer whose network fails', () => {
  it('goes on behind the last delta after the button cut it', async () => {
    const demo = await answering(stage);
    await demo.panel.getByRole('button', { name: 'Cut the network' }).click();
    await demo.page.getByText('Reconnecting…').first().waitFor();
    await demo.wholeOnce();
    const [resume, ...others] = ofType(demo.sent, 'resume');
    expect(others).toEqual([]);
    expect(resume?.['after']).toBeGreaterThanOrEqual(9);
    await demo.panel.getByText(/^#1 resumed after delta \d+$/).waitFor();
    expect(await demo.figure('Resumes')).toMatch(/^1\b/);
  });

  it('is no longer called lost once it goes on', async () => {
    const demo = await stage.open({ mayComplain: NETWORK });
    const banner = demo.page.getByRole('status').getByText('Reconnecting…');
    stage.relay.simulator.script({ deltas: numberedWords(3000), pace: PACE });
    await demo.ask('Count to three thousand');
    for (const word of ['word-9', 'word-120']) {
      await demo.answer.getByText(word).waitFor();
      await demo.panel.getByRole('button', { name: 'Cut the network' }).click();
      await banner.waitFor();
      await demo.answer.getByText('Writing…').waitFor();
      await banner.waitFor({ state: 'hidden' });
      expect(await demo.stop.isVisible()).toBe(true);
    }
    await demo.stop.click();
  });

  it('goes on after the connection was reset on its way', async () => {
    const proxy = await startFaultProxy(stage.relay.url);
    onTestFinished(() => proxy.close());
    const demo = await answering(stage, { url: proxy.url, mayComplain: NETWORK });
    for (const link of proxy.links) link.reset();
    await demo.wholeOnce();
    expect(ofType(demo.sent, 'resume')).toHaveLength(1);
  });

  it('waits while the device is offline, says so, and goes on afterwards', async () => {
    const demo = await answering(stage, { mayComplain: NETWORK });
    const context = demo.page.context();
    const notice = demo.page.getByText(/^You are offline\./).first();
    await context.setOffline(true);
    await notice.waitFor();
    await context.setOffline(false);
    await demo.wholeOnce();
    await notice.waitFor({ state: 'hidden' });
  });

  it('is picked up by the page that comes after a reload', async () => {
    const demo = await answering(stage);
    await demo.page.reload();
    await demo.answer.getByText('word-9').waitFor();
    await demo.wholeOnce();
    expect(ofType(demo.sent, 'start')).toHaveLength(1);
    expect(ofType(demo.sent, 'resume')).toHaveLength(1);
  });

  it('comes late and whole over a slow network', async () => {
    const slow = { name: 'Slow network' };
    const demo = await answering(stage, {}, ({ panel }) => panel.getByRole('button', slow).click());
    await demo.panel.getByRole('button', slow).click();
    await demo.wholeOnce();
  });
});

describe('an answer whose token expires', () => {
  it('goes on over the same connection with a fresh one', async () => {
    const demo = await answering(stage);
    await demo.panel.getByRole('button', { name: 'Expire the token' }).click();
    await expect.poll(() => ofType(demo.received, 'authenticated').length, SOON).toBe(2);
    await demo.wholeOnce();
    expect(ofType(demo.received, 'token_expiring')).toHaveLength(1);
    expect(ofType(demo.received, 'hello')).toHaveLength(1);
  });
});
