/** The first seconds on the demo page: what it shows by itself, and, where the relay has users, how they come and go. */
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type SupabaseAuth, startSupabaseAuth } from '../examples/supabase-auth.ts';
import { type AssistantPage, assistantPage } from '../support/assistant-page.ts';
import { violationsOf } from '../support/axe.ts';
import { launchChromium } from '../support/chromium.ts';
import { type ComposedRelay, startRelay } from '../support/relay-process.ts';

const ALICE = { id: '11111111-1111-4111-8111-111111111111', password: 'of-alice' };
const BOB = { id: '22222222-2222-4222-8222-222222222222', password: 'of-bob' };
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 800 };
const NOW = Date.now();
const OFFER = 'Show me what you can do';

let browser: Browser;
let auth: SupabaseAuth;
/** With the simulated model, as a clone starts; one makes its own tokens, the other takes those of a project's users. */
let relay: ComposedRelay;
let relayWithUsers: ComposedRelay;
beforeAll(async () => {
  auth = await startSupabaseAuth({ 'alice@school.example': ALICE, 'bob@school.example': BOB });
  const supabase = { SUPABASE_URL: auth.url, SUPABASE_PUBLISHABLE_KEY: 'sb_publishable_of_the_tests' };
  [browser, relay, relayWithUsers] = await Promise.all([
    launchChromium(),
    startRelay(),
    startRelay(supabase),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await relay?.[Symbol.asyncDispose]();
  await relayWithUsers?.[Symbol.asyncDispose]();
  await auth?.[Symbol.asyncDispose]();
});

interface OpenOptions extends BrowserContextOptions {
  /** Time stands still until the test moves it. */
  readonly isTimeless?: boolean;
  /** Whatever else the page complains about fails the test. */
  readonly mayComplain?: RegExp;
}

async function open(
  { url }: ComposedRelay,
  { isTimeless = false, mayComplain = /^\b$/, ...context }: OpenOptions = {},
): Promise<AssistantPage> {
  const page = await browser.newPage({ viewport: DESKTOP, ...context });
  const demo = assistantPage(page);
  onTestFinished(async () => {
    await page.context().close();
    expect(demo.complaints.filter((complaint) => !mayComplain.test(complaint))).toEqual([]);
  });
  await page.clock.install({ time: NOW });
  if (isTimeless) await page.clock.pauseAt(NOW + 1000);
  await page.goto(url);
  return demo;
}

describe('the opening', () => {
  it('shows by itself a formula, a list and code, once, and it can be stopped like every answer', async () => {
    const demo = await open(relay, { viewport: PHONE });
    await demo.page.getByRole('heading', { name: 'This is Dash Relay' }).waitFor();
    await demo.stop.waitFor();
    await demo.answer.locator('.katex').first().waitFor();
    await demo.answer.getByText('Square').waitFor();
    await demo.answer.getByText('long_side').first().waitFor();
    await demo.ended();
    expect(await violationsOf(demo.page)).toEqual([]);
    await demo.page.reload();
    await demo.answer.getByText('long_side').first().waitFor();
    await demo.page.clock.fastForward(60_000);
    expect(await demo.answers.count()).toBe(1);
    expect(ofUser(demo)).toBe(1);
  });

  it('stops where it is asked to', async () => {
    const demo = await open(relay);
    await demo.stop.click();
    await demo.page.getByText('You stopped this answer.').waitFor();
    expect(ofUser(demo)).toBe(1);
  });

  it.each<[string, BrowserContextOptions, (demo: AssistantPage) => Promise<unknown>]>([
    ['somebody wants less motion', { reducedMotion: 'reduce' }, async () => {}],
    ['somebody is about to type', {}, (demo) => demo.page.keyboard.press('w')],
    ['somebody presses anything', {}, (demo) => demo.page.mouse.click(700, 20)],
  ])('waits for a click where %s', async (_who, context, act) => {
    const demo = await open(relay, { ...context, isTimeless: true });
    const offer = demo.page.getByRole('button', { name: OFFER });
    await offer.waitFor();
    await act(demo);
    await demo.page.clock.fastForward(60_000);
    expect(await offer.isVisible()).toBe(true);
    expect(ofUser(demo)).toBe(0);
    await demo.page.clock.resume();
    await offer.click();
    await demo.answer.getByText('long_side').first().waitFor();
  });
});

/** How often the model was asked. */
function ofUser({ sent }: AssistantPage): number {
  return sent.filter(({ type }) => type === 'start').length;
}

describe('where users sign in', () => {
  const REFUSED = /status of 400/;

  async function signIn({ page }: AssistantPage, email: string, password: string): Promise<void> {
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  it.each([PHONE, DESKTOP])(
    'says in words why somebody is not let in, and lets in who belongs, %o',
    async (viewport) => {
      const demo = await open(relayWithUsers, { viewport, mayComplain: REFUSED });
      const { page } = demo;
      await page.getByRole('heading', { name: 'Dash Relay' }).waitFor();
      expect(await violationsOf(page)).toEqual([]);
      await signIn(demo, 'alice@school.example', 'of-bob');
      await page
        .getByRole('alert')
        .filter({ hasText: 'That e-mail address and password do not belong together.' })
        .waitFor();
      await signIn(demo, 'alice@school.example', ALICE.password);
      await demo.question.waitFor();
      await page.clock.fastForward(60_000);
      expect(ofUser(demo)).toBe(0); // it would count in the plan of Alice
      await demo.ask('What is 7 × 8?');
      await demo.answer.getByText('56').first().waitFor();
      await page.getByRole('button', { name: 'Under the hood', expanded: viewport === DESKTOP }).waitFor();
      expect(await violationsOf(page)).toEqual([]);
      expect(await page.getByRole('button', { name: 'Expire the token' }).count()).toBe(0);
    },
  );

  it('forgets at a sign-out all that was asked, and shows the next user nothing of it', async () => {
    const demo = await open(relayWithUsers);
    const { page } = demo;
    const ended = auth.signedOut;
    await signIn(demo, 'alice@school.example', ALICE.password);
    await demo.ask('What is 7 × 8?');
    await demo.answer.getByText('56').first().waitFor();
    await demo.ended();
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).toContain('7 × 8');
    await page.getByRole('button', { name: 'Sign out alice@school.example' }).click();
    await page.getByLabel('Password').waitFor();
    expect(await page.getByLabel('Password').inputValue()).toBe('');
    const kept = await page.evaluate<string>('JSON.stringify([{ ...sessionStorage }, { ...localStorage }])');
    expect(kept).not.toMatch(/7 × 8|eyJ|refresh/);
    await expect.poll(() => auth.signedOut).toBe(ended + 1);
    await signIn(demo, 'bob@school.example', BOB.password);
    await demo.question.waitFor();
    expect(await page.locator('body').innerText()).not.toContain('7 × 8');
    await demo.ask('What is 6 × 7?');
    await demo.answer.getByText('42').first().waitFor();
  });

  it('keeps nothing of a session in the browser: a reload ends it', async () => {
    const demo = await open(relayWithUsers);
    await signIn(demo, 'alice@school.example', ALICE.password);
    await demo.question.waitFor();
    const kept = await demo.page.evaluate<string>(
      'JSON.stringify([{ ...sessionStorage }, { ...localStorage }])',
    );
    expect(kept).not.toMatch(/eyJ|refresh/);
    await demo.page.reload();
    await demo.page.getByLabel('Password').waitFor();
  });
});
