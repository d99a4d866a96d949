import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';

/** Git-ignored: what the page looked like at the end of each test. */
const OUTPUT = fileURLToPath(new URL('../output/', import.meta.url));
const SOON = { timeout: 15_000 };
const PACE = { firstTokenMs: 150, deltasPerSecond: 40 } as const;

let browser: Browser;
let relay: SimulatedRelay;

beforeAll(async () => {
  await mkdir(OUTPUT, { recursive: true });
  relay = await startSimulatedRelay({ pace: PACE });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await relay?.[Symbol.asyncDispose]();
});

interface WireFrame {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface Demo {
  readonly page: Page;
  readonly sent: readonly WireFrame[];
  readonly received: readonly WireFrame[];
  /** The latest answer on the screen. */
  readonly answer: Locator;
  ask(question: string): Promise<void>;
  ended(phase: 'done' | 'cancelled' | 'error'): Promise<void>;
}

/** Opens the page; whatever it complains about (its policy included) fails the test. */
async function openDemo(prepare: (page: Page) => Promise<unknown> = async () => {}): Promise<Demo> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const complaints: string[] = [];
  const sent: WireFrame[] = [];
  const received: WireFrame[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => sent.push(JSON.parse(String(payload)) as WireFrame));
    socket.on('framereceived', ({ payload }) => received.push(JSON.parse(String(payload)) as WireFrame));
  });
  onTestFinished(async ({ task }) => {
    await page.screenshot({ path: `${OUTPUT}${task.name.replaceAll(/\W+/g, '-').slice(0, 60)}.png` });
    await page.close();
    expect(complaints).toEqual([]);
  });
  await prepare(page);
  await page.goto(relay.url);
  await page.getByText('Connected', { exact: true }).waitFor();
  const answer = page.locator('.answer').last();
  return {
    page,
    sent,
    received,
    answer,
    async ask(question) {
      await page.getByLabel('Your question').fill(question);
      await page.keyboard.press('Enter');
    },
    ended: (phase) => page.locator(`.turn:last-child .answer[data-phase=${phase}]`).waitFor(),
  };
}

/** Words that tell where they belong. */
function numberedWords(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${i === 0 ? '' : ' '}word-${i + 1}`);
}

function ofType(frames: readonly WireFrame[], type: string): WireFrame[] {
  return frames.filter((frame) => frame.type === type);
}

const bodyText = (demo: Demo): Promise<string> => demo.answer.locator('.body').innerText();

describe('the demo page', () => {
  it('shows that Dash thinks, then the answer as it grows, to its end', async () => {
    const demo = await openDemo();
    const words = numberedWords(60);
    relay.simulator.script({ deltas: words, pace: { firstTokenMs: 600, deltasPerSecond: 40 } });
    await demo.ask('Count to sixty');
    await demo.answer.getByText('Thinking…').waitFor();
    await demo.page.locator('.answer[data-phase=streaming]').waitFor();
    const lengths = new Set<number>();
    while ((await demo.answer.getAttribute('data-phase')) === 'streaming') {
      lengths.add((await bodyText(demo)).length);
    }
    expect(lengths.size).toBeGreaterThan(5);
    await demo.ended('done');
    expect(await bodyText(demo)).toBe(words.join(''));
    await demo.answer.getByText('tokens').waitFor();
  });

  it('keeps what had arrived when an answer is stopped, and shows the receipt', async () => {
    const demo = await openDemo();
    const words = numberedWords(600);
    relay.simulator.script({ deltas: words, pace: PACE });
    await demo.ask('Count to six hundred');
    await demo.answer.getByText('word-9').waitFor();
    await demo.page.getByRole('button', { name: 'Stop' }).click();
    await demo.ended('cancelled');
    const kept = await bodyText(demo);
    expect(words.join('').startsWith(kept)).toBe(true);
    expect(kept.length).toBeGreaterThan('word-1 word-9'.length);
    const receipt = await demo.answer.getByRole('list', { name: 'Receipt' }).innerText();
    expect(receipt).toMatch(/\d+ tokens? \(estimated\)\s+model stopped in (under )?\d+ ms/);
    expect(relay.simulator.stats.open).toBe(0);
    await demo.page.getByRole('button', { name: 'Ask again' }).click();
    await demo.ended('done');
  });

  it('answers three conversations at the same time over one connection', async () => {
    const demo = await openDemo();
    await demo.page.getByRole('button', { name: 'Ask three at once' }).click();
    const conversations = demo.page.getByRole('navigation', { name: 'Conversations' });
    await expect.poll(() => conversations.getByText('Answering…').count(), SOON).toBe(3);
    await expect.poll(() => conversations.getByText(/New answer|1 answer/).count(), SOON).toBe(3);
    expect(ofType(demo.received, 'hello')).toHaveLength(1);
    for (const title of ['Explain photosynthesis', 'Lesson plan', 'Quiz me']) {
      await conversations.getByRole('button', { name: new RegExp(`^${title}`) }).click();
      await demo.ended('done');
      await demo.page.getByText(/^all \d+ characters, once$/).waitFor();
    }
  });

  it('resumes after a cut, so that every word is there once', async () => {
    const demo = await openDemo();
    const words = numberedWords(160);
    relay.simulator.script({ deltas: words, pace: PACE });
    await demo.ask('Count to a hundred and sixty');
    await demo.answer.getByText('word-9').waitFor();
    await demo.page.getByRole('button', { name: 'Cut the connection' }).click();
    await demo.page.getByText('Reconnecting…').first().waitFor();
    await demo.ended('done');
    expect(await bodyText(demo)).toBe(words.join(''));
    const [resume, ...others] = ofType(demo.sent, 'resume');
    expect(others).toEqual([]);
    expect(resume?.['after']).toBeGreaterThanOrEqual(9);
    expect(ofType(demo.sent, 'start')).toHaveLength(1);
    await demo.page.getByText(/^all \d+ characters, once$/).waitFor();
  });

  it('drops a chunk it holds already and resumes where one is missing', async () => {
    const asked: WireFrame[] = [];
    const demo = await openDemo((page) =>
      page.routeWebSocket('**/v1/ws', (socket) => {
        const server = socket.connectToServer();
        let chunks = 0;
        socket.onMessage((text) => {
          asked.push(JSON.parse(String(text)) as WireFrame);
          server.send(text);
        });
        server.onMessage((text) => {
          if (String(text).includes('"chunk"')) chunks += 1;
          if (chunks !== 20) socket.send(text);
          if (chunks === 10) socket.send(text);
        });
      }),
    );
    const words = numberedWords(60);
    relay.simulator.script({ deltas: words, pace: PACE });
    await demo.ask('Count to sixty over a bad line');
    await demo.ended('done');
    expect(await bodyText(demo)).toBe(words.join(''));
    expect(ofType(asked, 'resume')).toHaveLength(1);
  });

  it('acknowledges what it holds while it reads', async () => {
    const demo = await openDemo();
    relay.simulator.script({ deltas: numberedWords(80), pace: PACE });
    await demo.ask('Count to eighty');
    await demo.ended('done');
    await expect.poll(() => ofType(demo.sent, 'ack').at(-1)?.['seq']).toBe(80);
    expect(ofType(demo.sent, 'ack').length).toBeGreaterThan(2);
  });

  it('says in plain words what went wrong, and asks again on request', async () => {
    const demo = await openDemo();
    await demo.page.getByLabel('Simulated trouble').selectOption('Breaks off midway');
    await demo.ask('How do volcanoes work?');
    await demo.ended('error');
    await demo.answer.getByText('The answer broke off').waitFor();
    expect(await bodyText(demo)).not.toBe('');
    await demo.page.getByRole('button', { name: 'Try again' }).click();
    await demo.ended('done');
    expect(await demo.page.locator('.turn').count()).toBe(1);
  });

  it('sends the last five messages along, beginning with one of the user', async () => {
    const demo = await openDemo();
    for (const question of ['one', 'two', 'three', 'four']) {
      relay.simulator.script({ deltas: [`answer ${question}`], pace: PACE });
      await demo.ask(question);
      await demo.page.locator('.answer[data-phase=done]', { hasText: `answer ${question}` }).waitFor();
    }
    const messages = ofType(demo.sent, 'start').at(-1)?.['messages'] as { content: string }[];
    expect(messages.map(({ content }) => content)).toEqual([
      'two',
      'answer two',
      'three',
      'answer three',
      'four',
    ]);
  });

  it('hands in a fresh token before the old one expires', async () => {
    const demo = await openDemo((page) =>
      page.route('**/dev/token', (route) => route.continue({ postData: '{"expiresIn":62}' })),
    );
    await expect.poll(() => ofType(demo.received, 'authenticated').length, SOON).toBe(1);
    expect(ofType(demo.received, 'hello')).toHaveLength(1);
  });

  it('never makes a model’s text into anything but text', async () => {
    const demo = await openDemo();
    const hostile =
      '<img src="/x" onerror="alert(1)"> **bold** [link](javascript:alert(1)) <script>1</script>';
    relay.simulator.script({ deltas: [hostile], pace: PACE });
    await demo.ask('<b>Be hostile</b>');
    await demo.ended('done');
    expect(await demo.answer.locator('img, script, a').count()).toBe(0);
    expect(await bodyText(demo)).toBe(hostile.replaceAll('**', ''));
    expect(await demo.page.locator('.question').innerText()).toBe('<b>Be hostile</b>');
  });

  it('speaks to screen readers at the start and the end of an answer only', async () => {
    const demo = await openDemo();
    const region = demo.page.getByRole('status');
    relay.simulator.script({ deltas: numberedWords(40), pace: PACE });
    await demo.ask('Count to forty');
    const spoken: string[] = [];
    while (spoken.at(-1) !== 'Dash has answered in 40 words.') {
      const text = await region.innerText();
      if (text !== '' && text !== spoken.at(-1)) spoken.push(text);
    }
    expect(spoken).toEqual(['Dash is thinking.', 'Dash has answered in 40 words.']);
  });

  it('fits a narrow phone', async () => {
    const demo = await openDemo((page) => page.setViewportSize({ width: 360, height: 640 }));
    await demo.page.getByRole('button', { name: /^Plan a lesson/ }).click();
    await demo.ended('done');
    await demo.page.getByRole('button', { name: 'Under the hood' }).click();
    await demo.page.getByRole('button', { name: 'Cut the connection' }).scrollIntoViewIfNeeded();
    expect(await demo.page.evaluate('document.documentElement.scrollWidth')).toBe(360);
  });
});
