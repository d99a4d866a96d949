/** Clients that are generated from the contract talk with a real relay: one in TypeScript, whose types are checked, one in Perl. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { generateSource } from 'oazapfts';
import { expect, it } from 'vitest';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { startSimulatedRelay } from '../support/relay-process.ts';
import { talkInPerl } from './clients/perl-client.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DOCUMENT = join(ROOT, 'docs/openapi.json');
const run = promisify(execFile);

/** What both say of the same conversation. */
const said = (name: string) => [
  ['ask', `${name}-1`, true, 'end_turn', 'final'],
  ['usage', 'enterprise'],
  ['list', `${name}-1`, null],
  ['state', 'ended'],
  ['state', 'live'],
  ['cancel', 'cancelled', 'estimated'],
  ['ask', `${name}-2`, true, 'cancelled', 'estimated'],
  ['error', 400, 'unknown_action', false],
  ['error', 404, 'unknown_stream', false],
];

it('TypeScript: generated, checked against what it is used for, and understood', async () => {
  await using relay = await startSimulatedRelay({ pace: UNPACED });
  // Within the checkout: what it imports is found from there.
  await mkdir(join(ROOT, 'node_modules/.cache'), { recursive: true });
  const folder = await mkdtemp(join(ROOT, 'node_modules/.cache/client-'));
  try {
    await writeFile(join(folder, 'relay.ts'), await generateSource(DOCUMENT, { useUnknown: true }));
    await copyFile(join(ROOT, 'test/contracts/clients/talk.ts'), join(folder, 'talk.ts'));
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: TYPES, include: ['.'] }),
    );
    await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder]).catch(({ stdout }) => {
      throw new Error(String(stdout));
    });
    const program = join(folder, 'talk.js');
    const { stdout } = await run(process.execPath, [program, relay.url, await relay.token(1)]);
    expect(JSON.parse(stdout)).toEqual(said('ts'));
  } finally {
    await rm(folder, { recursive: true });
  }
});

const TYPES = {
  target: 'es2024',
  lib: ['es2024', 'dom'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  skipLibCheck: true,
  rewriteRelativeImportExtensions: true,
};

it('Perl: made from the document as it runs, which judges each answer too', async () => {
  await using relay = await startSimulatedRelay({ pace: UNPACED });
  expect(JSON.parse(await talkInPerl(DOCUMENT, relay.url, await relay.token(1)))).toEqual(said('pl'));
});
