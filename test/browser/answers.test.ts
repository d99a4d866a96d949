import { describe, expect, it } from 'vitest';
import { ofType } from '../support/assistant-page.ts';
import { numberedWords, PACE, SOON, setStage } from './stage.ts';

const stage = setStage();

describe('an answer on the demo page', () => {
  it('is thought about, grows, and is whole in the end', async () => {
    const demo = await stage.open();
    const words = numberedWords(60);
    stage.relay.simulator.script({ deltas: words, pace: { firstTokenMs: 1500, deltasPerSecond: 15 } });
    await demo.ask('Count to sixty');
    await demo.page.getByText('Thinking…').first().waitFor();
    await demo.answer.getByText('word-1').waitFor();
    const lengths = new Set<number>();
    while (await demo.stop.isVisible()) lengths.add((await demo.text()).length);
    expect(lengths.size).toBeGreaterThan(5);
    expect(await demo.text()).toBe(words.join(''));
    await expect.poll(() => demo.figure('Tokens'), SOON).toMatch(/^[1-9]/);
    expect(await demo.figure('First words')).toMatch(/^[\d,]{3,} ms/);
  });

  it('is drawn at most once a frame, however fast it comes', async () => {
    const demo = await stage.open();
    await demo.page.evaluate(FRAMES_AND_CHANGES);
    stage.relay.simulator.script({
      deltas: numberedWords(1500),
      pace: { firstTokenMs: 50, deltasPerSecond: 1500 },
    });
    await demo.ask('Count fast');
    await demo.ended();
    const { frames, changes } = (await demo.page.evaluate('counted()')) as {
      frames: number;
      changes: number;
    };
    expect(changes).toBeGreaterThan(5);
    expect(changes).toBeLessThanOrEqual(frames);
  });

  it('keeps what had arrived when it is stopped, and the model stops', async () => {
    const demo = await stage.open();
    const words = numberedWords(600);
    stage.relay.simulator.script({ deltas: words, pace: PACE });
    await demo.ask('Count to six hundred');
    await demo.answer.getByText('word-9').waitFor();
    await demo.stop.click();
    await demo.page.getByText('You stopped this answer.').waitFor();
    const kept = await demo.text();
    expect(words.join('').startsWith(kept)).toBe(true);
    expect(kept.length).toBeGreaterThan('word-1 word-9'.length);
    expect(stage.relay.simulator.stats.open).toBe(0);
    await demo.panel.getByText(/#1 stopped the model (within|in) \d+ ms: \d+ tokens billed/).waitFor();
  });

  it('says in plain words what went wrong, and asks again on request', async () => {
    const demo = await stage.open();
    await demo.panel.getByLabel('Simulated model').selectOption('Breaks off midway');
    await demo.ask('How do volcanoes work?');
    await demo.page.getByText('The answer broke off. What had arrived is kept.', { exact: true }).waitFor();
    expect(await demo.text()).not.toBe('');
    await demo.panel.getByLabel('Simulated model').selectOption('Ordinary');
    stage.relay.simulator.script({ deltas: ['By pressure.'], pace: PACE });
    await demo.page.getByRole('button', { name: 'Try again' }).click();
    await demo.answer.getByText('By pressure.').waitFor();
    expect(await demo.answers.count()).toBe(1);
  });

  it('comes three at a time over one connection, with marks for those not yet read', async () => {
    const demo = await stage.open();
    const before = stage.relay.simulator.requests.length;
    await demo.panel.getByRole('button', { name: 'Ask three at once' }).click();
    await expect.poll(() => demo.conversations.getByText('Answering…').count(), SOON).toBe(3);
    await expect.poll(() => demo.conversations.getByText('New answer').count(), SOON).toBe(3);
    expect(ofType(demo.received, 'hello')).toHaveLength(1);
    expect(stage.relay.simulator.requests.length).toBe(before + 3);
    for (const title of ['Explain photosynthesis', 'Lesson plan', 'Quiz me']) {
      await demo.conversations.getByRole('button', { name: new RegExp(`^${title}`) }).click();
      await demo.ended();
      expect(await demo.text()).not.toBe('');
    }
    await expect.poll(() => demo.conversations.getByText('New answer').count()).toBe(0);
  });

  it('is never anything but text and Markdown, whatever the model writes', async () => {
    const demo = await stage.open();
    const hostile =
      '<img src="/x" onerror="alert(1)"> **bold** [link](javascript:alert(1)) <script>1</script>';
    stage.relay.simulator.script({ deltas: [hostile], pace: PACE });
    await demo.ask('<b>Be hostile</b>');
    await demo.answer.getByText('bold').waitFor();
    await demo.ended();
    expect(await demo.answer.locator('img, script, a').count()).toBe(0);
    expect(await demo.text()).toContain('<img src="/x" onerror="alert(1)">');
    await demo.page.getByText('<b>Be hostile</b>').first().waitFor();
  });
});

/** In the page: how many frames pass, and in how many of them the transcript changes. */
const FRAMES_AND_CHANGES = `
  let frames = 0;
  let changes = 0;
  const count = () => { frames += 1; requestAnimationFrame(count); };
  requestAnimationFrame(count);
  new MutationObserver(() => { changes += 1; })
    .observe(document.querySelector('main'), { subtree: true, characterData: true, childList: true });
  globalThis.counted = () => ({ frames, changes });
`;
