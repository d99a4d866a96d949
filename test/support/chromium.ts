/** A real browser for tests: the machine's own Chromium, headless, with a fresh profile that goes with it. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const DEBIAN = '/usr/bin/chromium';
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const FLAGS = [
  '--headless=new',
  // Containers run as root, where Chromium's own sandbox does not start.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * `keepsPages`: with the back/forward cache, which people have and playwright switches off.
 * @throws Error that says what to install
 */
export function launchChromium({ keepsPages = false } = {}): Promise<Browser> {
  const ignoreDefaultArgs = keepsPages ? ['--disable-back-forward-cache'] : [];
  return chromium.launch({ executablePath: findChromium(), args: FLAGS, ignoreDefaultArgs });
}

function findChromium(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const places = [DEBIAN, ...folders.flatMap((folder) => NAMES.map((name) => join(folder, name)))];
  const found = places.find(isExecutable);
  if (found === undefined)
    throw new Error('unable to find Chromium; install it, for example: apt install chromium');
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
