/** A real browser for tests: the machine's own Chromium, headless and with a fresh profile that goes with it. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** The engine without the browser around it: half the CPU of a headless browser. */
const SHELLS = ['chromium-headless-shell', 'headless_shell'];
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome'];
const DEBIAN = '/usr/bin';
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
 * `keepsPages`: with the back/forward cache, which people have, playwright switches off and the shell lacks.
 * @throws Error that says what to install
 */
export function launchChromium({ keepsPages = false } = {}): Promise<Browser> {
  const ignoreDefaultArgs = keepsPages ? ['--disable-back-forward-cache'] : [];
  const executablePath = findChromium(keepsPages ? BROWSERS : [...SHELLS, ...BROWSERS]);
  return chromium.launch({ executablePath, args: FLAGS, ignoreDefaultArgs });
}

function findChromium(names: readonly string[]): string {
  const folders = [DEBIAN, ...(process.env['PATH'] ?? '').split(delimiter)];
  const places = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = places.find(isExecutable);
  if (found === undefined)
    throw new Error(
      'unable to find Chromium; install it, for example: apt install chromium chromium-headless-shell',
    );
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
