import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openLogOutput } from '../../src/observability/log-output.ts';
import { eventually } from '../support/test-run.ts';

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'log-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** A pipe that someone holds and nobody reads. */
function stalledPipe(): number {
  const path = join(temporaryDirectory(), 'pipe');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR);
  onTestFinished(() => closeSync(fd));
  return fd;
}

describe('log output', () => {
  it('writes every line, in order, before it closes', async () => {
    const path = join(temporaryDirectory(), 'log');
    const output = openLogOutput(openSync(path, 'w'));
    for (let line = 0; line < 1000; line += 1) output.write(`${line}\n`);
    await output.close(5000);
    expect(readFileSync(path, 'utf8')).toBe(Array.from({ length: 1000 }, (_, line) => `${line}\n`).join(''));
    expect(output.dropped).toBe(0);
  });

  it('drops and counts lines while its reader stalls, and still closes', async () => {
    const output = openLogOutput(stalledPipe());
    const line = `${'x'.repeat(1023)}\n`;
    for (let count = 0; count < 3000; count += 1) output.write(line);
    expect(output.dropped).toBeGreaterThan(1000);
    expect(output.dropped).toBeLessThan(3000);
    await output.close(10);
  });

  it.each(['written while it stalls', 'written before it closes'])(
    'the last line reaches a reader that was slow: %s',
    async (when) => {
      const path = join(temporaryDirectory(), 'pipe');
      execFileSync('mkfifo', [path]);
      const fd = openSync(path, constants.O_RDWR);
      onTestFinished(() => closeSync(fd));
      const output = openLogOutput(fd);
      output.write(`${'x'.repeat(100_000)}\n`); // more than a pipe takes: its write is under way until somebody reads
      output.write('last\n');
      const closed = when === 'written before it closes' ? output.close(10_000) : undefined;
      await delay(50); // longer than lines are gathered
      const reader = spawn('cat', [path]);
      onTestFinished(() => void reader.kill());
      let read = '';
      reader.stdout.on('data', (bytes: Buffer) => {
        read += bytes.toString();
      });
      await eventually('the last line is read', () => read.endsWith('last\n'));
      await closed;
      expect(read.length).toBe(100_001 + 'last\n'.length);
    },
  );

  it('counts what comes after its reader has gone', async () => {
    const path = join(temporaryDirectory(), 'pipe');
    execFileSync('mkfifo', [path]);
    const reader = spawn('cat', [path], { stdio: 'ignore' });
    const output = openLogOutput(openSync(path, 'w'));
    output.write('first\n');
    reader.kill('SIGKILL');
    await once(reader, 'exit');
    await eventually('lines are counted as lost', () => {
      output.write('late\n');
      return output.dropped > 0;
    });
    await output.close(10);
    expect(output.dropped).toBeGreaterThan(0);
  });

  it('survives a full disk', async () => {
    const output = openLogOutput(openSync('/dev/full', 'w'));
    for (let count = 0; count < 100; count += 1) output.write('line\n');
    await expect(output.close(10)).resolves.toBeUndefined();
  });

  it('counts what comes after it closed', async () => {
    const output = openLogOutput(openSync('/dev/null', 'w'));
    await output.close(1000);
    await output.close(1000);
    output.write('late\n');
    expect(output.dropped).toBe(1);
  });
});
