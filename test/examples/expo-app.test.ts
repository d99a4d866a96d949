/** The Expo app: type-checked and bundled by Expo’s own Metro with the packed client, and its page used in Chromium. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { HERMES_MAGIC } from '../native/native-bundle.ts';
import { PACKED_MS } from '../packages/packed.ts';
import { type AssistantPage, assistantPage, ofType } from '../support/assistant-page.ts';
import { violationsOf } from '../support/axe.ts';
import { launchChromium } from '../support/chromium.ts';
import { LONG, report } from '../support/test-run.ts';
import { INSTALLING_MS, installExample } from './example-project.ts';
import { sidewaysPhoto } from './photo.ts';
import { type StaticPage, servePage } from './static-page.ts';
import { type SupabaseAuth, startSupabaseAuth } from './supabase-auth.ts';

type Platform = 'android' | 'ios' | 'web';
/** iOS costs half a minute of work, and differs from Android by little: the long run has all three. */
const PLATFORMS: readonly Platform[] = LONG ? ['android', 'ios', 'web'] : ['android', 'web'];
/** A minute and a half alone, and far more beside other work. */
const BUNDLE_MS = 480_000;
/** Written into the app's files by Expo. What serves the page puts the real addresses in the place of these. */
const RELAY = 'https://relay.example.test';
const PROJECT = 'https://project.example.test';
const PUBLIC = {
  EXPO_PUBLIC_DASH_RELAY_URL: RELAY,
  EXPO_PUBLIC_SUPABASE_URL: PROJECT,
  EXPO_PUBLIC_SUPABASE_PUBLISHABLE_KEY: 'sb_publishable_of_nobody',
  EXPO_PUBLIC_DASH_KEEP_CONVERSATIONS: 'true',
  EXPO_PUBLIC_DASH_SHOW_MEASUREMENTS: 'true',
};
/** Of what the README says, as a share: what the assistant learns changes it a little. */
const SIZE_TOLERANCE = 0.1;
const THANDI = { id: '0b6f1d3a-4c2e-4f7a-9d1b-2a5c8e7f6a01', password: 'correct horse' };
const SIPHO = { id: '7e5d2c91-8a3b-4d6f-b0c4-1f9e3d5b7c02', password: 'battery staple' };

let example: Awaited<ReturnType<typeof installExample>>;
beforeAll(async () => {
  example = await installExample('expo-app');
}, PACKED_MS + INSTALLING_MS);
afterAll(() => example?.[Symbol.asyncDispose]());

it('is typed', async () => {
  const { stdout } = await runTool('typescript/bin/tsc').catch((error: { stdout: string }) => error);
  expect(stdout).toBe('');
});

describe('bundled', () => {
  beforeAll(async () => {
    const named = PLATFORMS.flatMap((platform) => ['--platform', platform]);
    await runTool('expo/bin/cli', 'export', '--max-workers', '1', ...named);
  }, BUNDLE_MS);

  it('is as large on each platform as the README says', async () => {
    const readme = await readFile(join(example.folder, 'README.md'), 'utf8');
    for (const platform of PLATFORMS) {
      const files = await bundleOf(platform);
      if (platform !== 'web') expect(files[0]?.readBigUInt64LE()).toBe(HERMES_MAGIC);
      const bytes = sum(files.map(({ length }) => length));
      const gzipped = sum(files.map((file) => gzipSync(file).length));
      report(`expo-app, ${platform}: ${bytes} B, ${gzipped} B gzipped`);
      const [said = 0, saidGzipped = 0] = sizesIn(readme, platform);
      expect([platform, isAbout(bytes, said), isAbout(gzipped, saidGzipped)]).toEqual([platform, true, true]);
    }
  });

  it('has the relay and the project that were named, the client and the assistant', async () => {
    for (const platform of PLATFORMS) {
      const bundle = Buffer.concat(await bundleOf(platform)).toString('latin1'); // Hermes keeps ASCII as it is
      for (const value of [RELAY, PROJECT, PUBLIC.EXPO_PUBLIC_SUPABASE_PUBLISHABLE_KEY])
        expect([platform, value, bundle.includes(value)]).toEqual([platform, value, true]);
      for (const words of ['Sign in to ask Dash', '/v1/ws', 'What shall we work on?'])
        expect([platform, words, bundle.includes(words)]).toEqual([platform, words, true]);
    }
  });

  describe('in a browser', () => {
    let auth: SupabaseAuth;
    let relay: TestRelay;
    let served: StaticPage;
    let browser: Browser;
    beforeAll(async () => {
      auth = await startSupabaseAuth({ 'thandi@school.example': THANDI, 'sipho@school.example': SIPHO });
      const addresses = new Map([[PROJECT, auth.url]]);
      served = await servePage(join(example.folder, 'dist'), addresses);
      relay = await startTestRelay({
        environment: { SUPABASE_URL: auth.url, ALLOWED_ORIGINS: served.origin },
      });
      addresses.set(RELAY, relay.url);
      browser = await launchChromium();
    });
    afterAll(async () => {
      await browser?.close();
      await served?.[Symbol.asyncDispose]();
      await relay?.close();
      await auth?.[Symbol.asyncDispose]();
    });

    it('signs in, streams, stops, goes on after a reload, and forgets all when its user signs out', async () => {
      const assistant = await open();
      const { page } = assistant;
      await signIn(page, 'thandi@school.example', 'wrong');
      await page.getByRole('alert').filter({ hasText: 'E-mail and password do not match.' }).waitFor();
      expect(await violationsOf(page)).toEqual([]);
      await signIn(page, 'thandi@school.example', THANDI.password);
      await page.getByText('What shall we work on?').waitFor();

      relay.simulator.script({ deltas: ['Air bends ', '**blue** light.'] });
      await assistant.ask('Why is the sky blue?');
      await assistant.answer.getByText('Air bends blue light.').waitFor();
      await assistant.ended();
      expect(await assistant.text()).toBe('Air bends blue light.');
      await page.getByText(/^done · websocket · resumes 0 · first word after \d+ ms$/).waitFor();
      relay.simulator.script('stall');
      await assistant.ask('Tell me more');
      await expect.poll(() => ofType(assistant.received, 'chunk').length).toBeGreaterThan(1);
      await assistant.stop.click();
      await page.getByText('You stopped this answer.').waitFor();
      expect(await violationsOf(page)).toEqual([]);

      await assistant.question.fill('And at night?');
      await expect.poll(() => kept(page)).toContain('And at night?');
      await page.reload();
      await assistant.answers.first().getByText('Air bends blue light.').waitFor();
      expect(await assistant.question.inputValue()).toBe('And at night?');
      relay.simulator.script({ deltas: ['Stars.'] });
      await assistant.question.press('Enter');
      await assistant.answer.getByText('Stars.').waitFor();
      expect(ofType(assistant.sent, 'start')).toHaveLength(3);

      expect(await kept(page)).toContain('"access_token"');
      await signOut(page, 'thandi@school.example');
      await expect.poll(() => kept(page)).toBe('');
      await expect.poll(() => auth.signedOut).toBe(1);
      await page.reload();
      await page.getByText('Sign in to ask Dash').waitFor();
      await signIn(page, 'thandi@school.example', THANDI.password);
      await page.getByText('What shall we work on?').waitFor();
      expect(await page.getByText('Air bends').count()).toBe(0);
      expect(assistant.complaints.filter((text) => !text.includes('400'))).toEqual([]); // the wrong password
    });

    it('asks about a photo, made upright and small, and signs out without a network', async () => {
      const assistant = await open();
      const { page } = assistant;
      await signIn(page, 'sipho@school.example', SIPHO.password);
      await page.getByText('What shall we work on?').waitFor();
      const uploading = page.waitForResponse(
        (answer) => answer.url().endsWith('/v1/uploads') && answer.request().method() === 'POST',
      );
      await choosePhoto(page, await sidewaysPhoto(page, { width: 4032, height: 3024 }));
      const photo = (await (await uploading).json()) as Record<'id' | 'width' | 'height' | 'bytes', number>;
      report(`a photo of 12 megapixels leaves as ${photo.bytes} B`);
      expect(photo.height).toBeLessThanOrEqual(2576);
      expect(photo.width / photo.height).toBeCloseTo(3 / 4, 2);
      relay.simulator.script({ deltas: ['A page ', 'of sums.'] });
      await assistant.ask('What is this?');
      await assistant.answer.getByText('A page of sums.').waitFor();
      expect(contentOf(ofType(assistant.sent, 'start')[0])).toContainEqual(
        expect.objectContaining({ type: 'image', source: { type: 'upload', id: photo.id } }),
      );
      await page.context().setOffline(true);
      await signOut(page, 'sipho@school.example');
      await expect.poll(() => kept(page)).toBe('');
    });

    async function open(): Promise<AssistantPage> {
      const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
      const assistant = assistantPage(await context.newPage());
      await assistant.page.goto(served.origin);
      return assistant;
    }
  });
});

async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByRole('textbox', { name: 'E-mail' }).fill(email);
  await page.getByRole('textbox', { name: 'Password' }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function signOut(page: Page, email: string): Promise<void> {
  await page.getByRole('button', { name: 'Your account' }).click();
  const account = page.getByRole('dialog', { name: 'Your account' });
  await account.getByText(email).waitFor();
  expect(await violationsOf(page)).toEqual([]);
  await account.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('Sign in to ask Dash').waitFor();
}

async function choosePhoto(page: Page, buffer: Buffer): Promise<void> {
  const choosing = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Add a photo or file' }).click();
  await (await choosing).setFiles({ name: 'homework.jpg', mimeType: 'image/jpeg', buffer });
}

/** All that the page has on the device. */
function kept(page: Page): Promise<string> {
  return page.evaluate('[...Object.values(localStorage), ...Object.values(sessionStorage)].join("\\n")');
}

function contentOf(start: { readonly [field: string]: unknown } | undefined): readonly unknown[] {
  const [message] = (start?.['messages'] ?? []) as readonly { readonly content: readonly unknown[] }[];
  return message?.content ?? [];
}

function isAbout(measured: number, said: number): boolean {
  return Math.abs(measured / said - 1) < SIZE_TOLERANCE;
}

/** `| web | 1,234 | 567 |` */
function sizesIn(readme: string, platform: Platform): readonly number[] {
  const row = readme.split('\n').find((line) => line.startsWith(`| ${platform} |`)) ?? '';
  return Array.from(row.matchAll(/\d[\d,]*/g), ([figure]) => Number(figure.replaceAll(',', '')));
}

/** What is loaded before anything is shown: in a browser all scripts of the page, but not what they ask for later. */
async function bundleOf(platform: Platform): Promise<readonly Buffer[]> {
  const dist = join(example.folder, 'dist');
  if (platform === 'web') {
    const html = await readFile(join(dist, 'index.html'), 'utf8');
    const scripts = Array.from(html.matchAll(/<script[^>]* src="([^"]+\.js)"/g), ([, src = '']) => src);
    return await Promise.all(scripts.map((src) => readFile(join(dist, src))));
  }
  const metadata = JSON.parse(await readFile(join(dist, 'metadata.json'), 'utf8')) as {
    readonly fileMetadata: Readonly<Record<string, { readonly bundle: string }>>;
  };
  return [await readFile(join(dist, metadata.fileMetadata[platform]?.bundle ?? ''))];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function runTool(path: string, ...options: string[]) {
  return promisify(execFile)(process.execPath, [`node_modules/${path}`, ...options], {
    cwd: example.folder,
    env: { ...process.env, ...PUBLIC, CI: '1', EXPO_NO_TELEMETRY: '1', EXPO_OFFLINE: '1' },
    maxBuffer: 1 << 24,
  });
}
