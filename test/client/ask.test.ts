import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { relayProgram } from '../support/relay-program.ts';

const CLI = await relayProgram('cli');

let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay({ pace: { firstTokenMs: 0, deltasPerSecond: 300 } });
});
afterAll(() => relay.close());

function ask(args: readonly string[], environment: Record<string, string> = {}) {
  const { PATH } = process.env;
  const env = { PATH, DASH_RELAY_URL: relay.url, ...environment };
  const child = spawn(process.execPath, [CLI, 'ask', ...args], { env });
  const output = { text: '', errors: '' };
  child.stdout.on('data', (bytes: Buffer) => {
    output.text += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    output.errors += bytes.toString();
  });
  return { child, output };
}

async function exitCode(child: ChildProcessWithoutNullStreams): Promise<unknown> {
  const [code] = await once(child, 'close');
  return code;
}

it('prints the answer, then what it cost', async () => {
  relay.simulator.script({ deltas: ['The sky ', 'is blue.'] });
  const { child, output } = ask(['Why', 'is the sky blue?']);
  expect(await exitCode(child)).toBe(0);
  expect(output.text).toMatch(
    /^The sky is blue\.\n\ndone over websocket by claude-sonnet-5-5\n\d+ tokens in, \d+ out \(final\)/,
  );
});

it('prints nothing that a terminal obeys, however it is cut', async () => {
  relay.simulator.script({
    deltas: [
      'a\u001b[2J\u001b',
      ']0;title\u0007b\tc\r\nd\u009b31m',
      '\u0008\u007f\u202ee ',
      '\u{1f468}\u200d\u{1f469}',
    ],
  });
  const { child, output } = ask(['Hello?']);
  expect(await exitCode(child)).toBe(0);
  expect(output.text).toMatch(/^a\[2J\]0;titleb\tc\nd31me \u{1f468}\u200d\u{1f469}\n\ndone/u);
});

it('takes the transport and a token by hand', async () => {
  const { child, output } = ask(['--transport', 'sse', 'Hello?'], { DASH_TOKEN: await relay.token() });
  expect(await exitCode(child)).toBe(0);
  expect(output.text).toContain('done over sse');
});

it('stops the model on Ctrl-C and prints the receipt', async () => {
  relay.simulator.script('stall');
  const { child, output } = ask(['Tell me a long story']);
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  expect(await exitCode(child)).toBe(130);
  expect(output.text).toMatch(/cancelled over websocket\n\d+ tokens in, \d+ out \(estimated\)/);
  expect(relay.simulator.stats.open).toBe(0);
});

it('says how it is used, and what went wrong', async () => {
  const empty = ask([]);
  expect(await exitCode(empty.child)).toBe(2);
  expect(empty.output.errors).toContain('Usage: dash-relay ask');
  const refused = ask(['--action', 'nonsense', 'Hello?']);
  expect(await exitCode(refused.child)).toBe(1);
  expect(refused.output.errors).toContain('unknown_action');
});
