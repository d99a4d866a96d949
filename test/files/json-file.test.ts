/** Files of settings are read while streams run: what would hold up their process is refused unread. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { readJsonFile } from '../../src/files/json-file.ts';

function pathOfFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'json-file-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'settings.json');
}

const read = (path: string) => readJsonFile('plans', path, z.strictObject({}));

it('a file is read', () => {
  const path = pathOfFile();
  writeFileSync(path, '{}');
  expect(read(path)).toEqual({});
});

it('a byte order mark before it is no part of it', () => {
  const path = pathOfFile();
  writeFileSync(path, '\ufeff{}');
  expect(read(path)).toEqual({});
});

it.each([
  ['Latin-1', Buffer.from('{"a": "é"}', 'latin1')],
  ['UTF-16', Buffer.from('\ufeff{}', 'utf16le')],
])('one in %s is refused: its words would be others', (_encoding, bytes) => {
  const path = pathOfFile();
  writeFileSync(path, bytes);
  expect(() => read(path)).toThrow(`unable to use the plans file ${path}: save it as UTF-8`);
});

it('one of many megabytes is refused for its size', () => {
  const path = pathOfFile();
  writeFileSync(path, '{}');
  truncateSync(path, 9 * 1024 * 1024);
  expect(() => read(path)).toThrow(
    `unable to use the plans file ${path}: name a file of at most 8388608 bytes`,
  );
});

it('a pipe is refused, whoever writes to it: one that nobody writes to would be waited for', () => {
  const path = pathOfFile();
  execFileSync('mkfifo', [path]);
  const writer = spawn('sh', ['-c', 'echo {} >"$1"', 'sh', path]);
  onTestFinished(() => void writer.kill());
  expect(() => read(path)).toThrow('name a file of at most');
});
