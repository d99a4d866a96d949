/** `dash-relay logs` at the end of a pipe. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';

const LINE = `${JSON.stringify({
  level: 'info',
  time: '2026-11-29T11:46:54.123Z',
  event: 'stream_started',
  door: 'json',
  requestId: 'r1',
  msg: 'stream started',
})}\n`;

function startLogs() {
  const child = spawn(process.execPath, ['src/cli.ts', 'logs'], { env: { PATH: process.env['PATH'] } });
  const exited = once(child, 'close').then(([code]) => Number(code));
  const errors = child.stderr.setEncoding('utf8').toArray();
  return {
    child,
    exited,
    text: async () => (await child.stdout.setEncoding('utf8').toArray()).join(''),
    errors: async () => (await errors).join(''),
  };
}

it('shows what is piped into it to the last byte, huge lines among it, and ends well', async () => {
  const { child, exited, text, errors } = startLogs();
  const huge = `${'x'.repeat(5_000_000)}\n`;
  child.stdin.end(`${LINE}a greeting\n${huge}${LINE}half a li`);
  const shown = await text();
  expect(await exited).toBe(0);
  expect(await errors()).toBe('');
  expect(shown.replace(huge, 'HUGE\n').split('\n')).toEqual([
    expect.stringMatching(/^\[11:46:54\.123\] INFO : stream_started +json +r1$/),
    'a greeting',
    'HUGE',
    expect.stringContaining('stream_started'),
    'half a li',
  ]);
});

it('ends quietly where its own reader is gone', async () => {
  const { child, exited, errors } = startLogs();
  child.stdin.on('error', () => {}); // it ends while more is written
  child.stdout.destroy();
  child.stdin.end(LINE.repeat(20_000));
  expect(await exited).toBe(0);
  expect(await errors()).toBe('');
});
