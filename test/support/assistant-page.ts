/** The demo page in a real browser, by what a person sees of it: the only place that knows how to find things there. */
import type { Locator, Page } from 'playwright-core';

export interface WireFrame {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface AssistantPage {
  readonly page: Page;
  /** Frames of every WebSocket so far. */
  readonly sent: readonly WireFrame[];
  readonly received: readonly WireFrame[];
  /** Errors and warnings of the console, its policy's included. */
  readonly complaints: readonly string[];
  readonly question: Locator;
  readonly stop: Locator;
  readonly answers: Locator;
  /** The latest. */
  readonly answer: Locator;
  readonly conversations: Locator;
  readonly panel: Locator;
  ask(question: string): Promise<void>;
  /** Nothing is under way in the conversation that is shown. */
  ended(): Promise<void>;
  /** Of the latest answer. */
  text(): Promise<string>;
  /** One of the panel's, as it is read: value, unit, remark. */
  figure(name: string): Promise<string>;
}

/** Behind the assistant's mark: the words of an answer, before what can be done with it. */
const WORDS = 'xpath=./div[last()]/div[1]';
const CARET = /\u2060?▍/;

/** What the page says and hears is recorded from here on; `open` it next. */
export function assistantPage(page: Page): AssistantPage {
  const sent: WireFrame[] = [];
  const received: WireFrame[] = [];
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => sent.push(JSON.parse(String(payload)) as WireFrame));
    socket.on('framereceived', ({ payload }) => received.push(JSON.parse(String(payload)) as WireFrame));
  });
  const stop = page.getByRole('button', { name: 'Stop answering' });
  const panel = page.getByRole('complementary', { name: 'Under the hood' });
  const answers = page.getByRole('group', { name: 'Dash', exact: true });
  const question = page.getByRole('textbox', { name: 'Ask Dash' });
  return {
    page,
    sent,
    received,
    complaints,
    question,
    stop,
    answers,
    answer: answers.last(),
    conversations: page.getByRole('navigation', { name: 'Conversations' }),
    panel,
    async ask(text) {
      await question.fill(text);
      await page.keyboard.press('Enter');
    },
    ended: () => stop.waitFor({ state: 'hidden' }),
    async text() {
      const [words = ''] = await answers.last().locator(WORDS).allInnerTexts();
      return words.replace(CARET, '');
    },
    async figure(name) {
      const text = await panel.locator('.figure', { hasText: name }).locator('dd').innerText();
      return text.replaceAll(/\s+/g, ' ').trim();
    },
  };
}

export function ofType(frames: readonly WireFrame[], type: string): WireFrame[] {
  return frames.filter((frame) => frame.type === type);
}
