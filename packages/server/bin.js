#!/usr/bin/env node
/**
 * The command `dash-relay`. Says one clear sentence where the Node in charge cannot run it: nothing here is newer than
 * what Node 14 understands.
 */
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'));
const [major, minor] = process.versions.node.split('.').map(Number);
const [neededMajor, neededMinor] = engines.node.match(/\d+/g).map(Number);

if (major === neededMajor && minor >= neededMinor) {
  await import('./dist/cli.js');
} else {
  process.stderr.write(
    `dash-relay needs Node ${neededMajor} (${neededMajor}.${neededMinor} or newer) and this is ${process.version}: ` +
      `install Node ${neededMajor}, say from https://nodejs.org, and run it with that.\n`,
  );
  process.exitCode = 1;
}
