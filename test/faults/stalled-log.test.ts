/** F27: nobody reads the log of a relay. It stalls nothing, what is lost is counted, and the process still ends in time. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { freePort } from '../support/free-port.ts';
import { ask } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import { dataDirectory, upstreamAt } from '../support/relay-process.ts';
import { eventually, LONG } from '../support/test-run.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MANY = '1000000';
const AT_ONCE = 100;
/** A line of the log is some hundred bytes, and the kernel takes some too. */
const MOST_QUESTIONS = 6000;
const MOST: Readonly<Record<string, string>> = {
  STARTS_PER_MINUTE: MANY,
  FRAMES_PER_MINUTE: MANY,
  MAX_STREAMS_PER_USER: '10000',
  MAX_STREAMS_PER_CONNECTION: '10000',
};

/** A pipe that somebody holds and nobody reads. */
function unreadPipe(directory: string): number {
  const path = join(directory, 'log');
  execFileSync('mkfifo', [path]);
  return openSync(path, constants.O_RDWR);
}

if (LONG) {
  it('a pipe: it stalls nothing, what is lost is counted, and the relay ends in time', {
    timeout: 120_000,
  }, async () => {
    using data = dataDirectory();
    const simulator = await startSimulator();
    const port = await freePort();
    const pipe = unreadPipe(data.path);
    const relay = spawn(process.execPath, ['src/main.ts'], {
      cwd: ROOT,
      env: {
        PATH: process.env['PATH'],
        HOST: '127.0.0.1',
        PORT: String(port),
        DATA_DIR: data.path,
        LOG_LEVEL: 'debug',
        ALLOWED_MODELS: 'claude-sonnet-5-5,sim:fast',
        ...MOST,
        ...upstreamAt(simulator.url),
      },
      stdio: ['ignore', pipe, 'inherit'],
    });
    const exited = once(relay, 'exit');
    try {
      const url = `http://127.0.0.1:${port}`;
      while ((await ask(`${url}/healthz`).catch(() => undefined))?.status !== 200) {
        expect(relay.exitCode).toBeNull();
        await wait(50); // nothing tells of its port: its log does, which nobody reads
      }
      const { body } = await ask(`${url}/dev/token`, { method: 'POST', body: { tier: 'enterprise' } });
      const { access_token: token } = JSON.parse(body) as { readonly access_token: string };
      await using client = await connectClient({ url, token });
      const dropped = async () =>
        Number(/^dash_log_lines_dropped (\d+)$/m.exec((await ask(`${url}/metrics`)).body)?.[1]);
      for (let asked = 0; asked < MOST_QUESTIONS && (await dropped()) === 0; asked += AT_ONCE) {
        const streams = Array.from({ length: AT_ONCE }, () =>
          client.start({ model: 'sim:fast', maxTokens: 1 }),
        );
        for (const stream of streams) expect(await client.ended(stream)).toMatchObject({ type: 'done' });
      }
      expect(await dropped()).toBeGreaterThan(0);
      relay.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
    } finally {
      relay.kill('SIGKILL');
      closeSync(pipe);
      await simulator.close();
    }
  });
}

/** Writes three megabytes of lines, and ends. */
const WRITER = `
  import { openLogOutput } from './src/observability/log-output.ts';
  const output = openLogOutput();
  for (let lines = 0; lines < 3000; lines += 1) output.write('x'.repeat(1023) + '\\n');
  await output.close(10);
  process.stderr.write(String(output.dropped));
  process.exit(0);
`;

it('a socket, as the journal of a system has it: what is lost is counted, and the process ends', async () => {
  // Node gives its children a socket where others give them a pipe.
  const writer = spawn(process.execPath, ['--input-type=module', '--eval', WRITER], { cwd: ROOT });
  writer.stdout.pause();
  let dropped = '';
  writer.stderr.on('data', (bytes: Buffer) => {
    dropped += bytes.toString();
  });
  try {
    expect(await once(writer, 'exit')).toEqual([0, null]);
    await eventually('it has said how many', () => Number(dropped) > 1000);
  } finally {
    writer.kill('SIGKILL');
    writer.stdout.destroy();
  }
});
