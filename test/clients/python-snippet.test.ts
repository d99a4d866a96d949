/** The Python of the README, as it stands there, in the system's Python with the system's `websockets`. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { startTestRelay } from '../../src/testing/index.ts';
import { readProjectFile } from '../architecture/source-files.ts';
import { PYTHON } from './close-codes/clients.ts';

it('prints the answer and its ending', async () => {
  const relay = await startTestRelay();
  onTestFinished(() => relay.close());
  relay.simulator.script({ deltas: ['7 × 8 ', 'is 56.'] });
  const [, snippet = ''] = /```python\n(.*?)```/s.exec(readProjectFile('README.md')) ?? [];
  const program = snippet.replace('ws://127.0.0.1:8787', relay.url.replace('http', 'ws'));
  expect(program).not.toBe(snippet);
  const environment = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' };
  const { stdout } = await promisify(execFile)(PYTHON, ['-c', program, await relay.token()], {
    env: environment,
  });
  expect(stdout).toMatch(/^7 × 8 is 56\.\n done \{.*'source': 'final'/);
});
