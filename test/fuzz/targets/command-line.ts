/** The words after `dash-relay`, one a line, of commands that need no other program. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { relayProgram } from '../../support/relay-program.ts';
import type { FuzzSubject, FuzzTarget } from '../fuzz-target.ts';
import { requireSentence } from '../refused.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** They end, or would wait for the network. */
const COMMANDS = [
  'usage',
  'mirror',
  'migrate',
  'callers',
  'switch',
  'logs',
  '--help',
  '--version',
  'no-such-command',
];
/** Failed, wrong words, wrong settings; 0 for what was asked. */
const EXIT_CODES: readonly unknown[] = [0, 1, 2, 78];
const LONGEST_OUTPUT = 1024 * 1024;
const WITHIN_MS = 60_000;

export const commandLine: FuzzTarget = {
  name: 'command line',
  corpus: [
    'usage\n--json\n--by\nday,model\n--user\nsomebody\n--since\n2026-11-22T08:00:00Z\n--compare\n/nowhere.csv',
    'switch\nstreaming\noff\n--level\nwarn',
    'callers\n/nowhere\n--check\n--dry-run',
  ],
  words: [
    '\n--json',
    '\n--help',
    '\n--',
    '\n-h',
    '--day=',
    '2026-02-30',
    '\n--by\n',
    '\n--compare\n.',
    ...COMMANDS.map((each) => `\n${each}`),
  ],
  cases: 1,
  open,
};

function open(): FuzzSubject {
  const directory = mkdtempSync(join(tmpdir(), 'fuzz-'));
  return {
    async check(input) {
      const [command = '', ...words] = input.split('\n');
      const known = COMMANDS.includes(command) ? command : 'usage';
      await checkCommand([known, ...words].slice(0, 40), directory);
    },
    async [Symbol.asyncDispose]() {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function checkCommand(words: readonly string[], directory: string): Promise<void> {
  // What no shell can pass on is no command line.
  const args = words.map((word) => word.replaceAll('\0', '').toWellFormed());
  const child = spawn(process.execPath, [await relayProgram('cli'), ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], DATA_DIR: directory, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: WITHIN_MS,
    killSignal: 'SIGKILL',
  });
  const said = { out: '', error: '' };
  child.stdout.setEncoding('utf8').on('data', (part) => {
    said.out += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part) => {
    said.error += part;
  });
  const [code] = await once(child, 'close');
  assert.ok(EXIT_CODES.includes(code), `it ended with ${code}: ${said.error}`);
  assert.ok(said.out.length <= LONGEST_OUTPUT);
  if (code !== 0) requireSentence(said.error, LONGEST_OUTPUT);
}
