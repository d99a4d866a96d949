/** `dash-relay top` beside a running relay, as an operator runs it: on a terminal and without one. */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RelayWatch } from '../../src/top/relay-watch.ts';
import { freePort } from '../support/free-port.ts';
import { type ComposedRelay, startRelay } from '../support/relay-process.ts';
import { relayProgram } from '../support/relay-program.ts';
import { eventually } from '../support/test-run.ts';

const CLI = await relayProgram('cli');
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

let relay: ComposedRelay;
beforeAll(async () => {
  relay = await startRelay();
});
afterAll(() => relay[Symbol.asyncDispose]());

async function top(args: readonly string[], environment: Record<string, string> = {}) {
  const env = { PATH: process.env['PATH'], ...environment };
  return await promisify(execFile)(process.execPath, [CLI, 'top', ...args], { cwd: ROOT, env }).then(
    (done) => ({ code: 0, ...done }),
    (failed: { code: number; stdout: string; stderr: string }) => failed,
  );
}

const once01 = ['--once', '--every', '0.1'];

describe('without a terminal', () => {
  it('--once prints one screen, without colour; PORT says where the relay is', async () => {
    const { code, stdout } = await top(once01, { PORT: new URL(relay.url).port });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ READY {3}dash-relay \d+\.\d+\.\d+ {2}127\.0\.0\.1:\d+/);
    expect(stdout).toMatch(/\nSTREAMS +TIME {2}p50, p95/);
    expect(stdout).not.toContain('\u001B');
  });

  it('--once --json prints the figures as one object', async () => {
    const { stdout } = await top([...once01, '--json', '--url', relay.url]);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'ready',
      streams: { live: 0, startsPerSecond: 0 },
      latency: { firstToken: { p50: null, p95: null } },
      dependencies: { keys: true },
    });
  });

  it('prints a line each time until its reader goes away', async () => {
    const args = [CLI, 'top', '--every', '0.1', '--url', `${relay.url}/metrics`];
    const child = spawn(process.execPath, args, { cwd: ROOT });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      if (text.split('\n').length > 3) child.stdout.destroy();
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
    for (const line of text.trim().split('\n').slice(0, 2))
      expect(line).toMatch(/^\d\d:\d\d:\d\d ready live=0 connections=0 starts\/s=(-|0\.00) done\/s=/);
  });
});

describe('says what is wrong, and what to do', () => {
  it('where nobody answers', async () => {
    const { code, stderr } = await top([...once01, '--url', `http://127.0.0.1:${await freePort()}`]);
    expect(stderr).toMatch(/\/metrics: nobody answers \(ECONNREFUSED\)\n$/);
    expect(code).toBe(1);
  });

  it.each([
    [404, 'Not found', /404: there are no metrics at this address: .*METRICS_PORT/],
    [403, 'no', /403: the main port gives metrics to its own computer alone/],
    [200, '<html>', /the answer is no Prometheus metrics/],
    [200, 'node_load1 0.5\n', /these are metrics of something else/],
  ])('where the answer is %d %j', async (status, body, words) => {
    const server = createServer((_request, response) => response.writeHead(status).end(body));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const watch = new RelayWatch(
      { metrics: `${url}/metrics`, ready: `${url}/readyz`, token: undefined },
      1000,
    );
    await watch.ask();
    expect(watch.away?.why).toMatch(words);
  });

  it.each([[['--every', '0']], [['--over', 'long']], [['--url', '127.0.0.1:9091']], [['more']]])(
    'of wrong words: %j',
    async (words) => {
      const { code, stderr } = await top(words);
      expect(stderr).toContain('Usage: dash-relay top');
      expect(code).toBe(2);
    },
  );
});

it('sends a token to whatever stands in front of the metrics, and to nothing else', async () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.url} ${request.headers.authorization ?? '-'}`);
    response.end(request.url === '/metrics' ? 'dash_live_streams 0\n' : '{"status":"ready"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new RelayWatch({ metrics: `${url}/metrics`, ready: `${url}/readyz`, token: 'secret' }, 1000).ask();
  expect(seen.toSorted()).toEqual(['/metrics Bearer secret', '/readyz -']);
});

/** A terminal of 80 columns and 24 lines, which util-linux makes. */
class TestTerminal {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly closed: Promise<unknown[]>;
  text = '';

  constructor(command: string) {
    this.#child = spawn('script', ['-qec', `stty cols 80 rows 24; exec ${command}`, '/dev/null'], {
      cwd: ROOT,
      env: { PATH: process.env['PATH'], TERM: 'xterm-256color' },
    });
    this.closed = once(this.#child, 'close');
    this.#child.stdout.setEncoding('utf8').on('data', (more: string) => {
      this.text += more;
    });
  }

  press(key: string): void {
    this.#child.stdin.write(key);
  }

  /** Waits for these words, and forgets what was written until then. */
  async shows(words: RegExp): Promise<void> {
    await eventually(String(words), () => words.test(this.text));
    this.text = '';
  }

  end(): void {
    this.#child.kill();
  }
}

describe.runIf(process.platform === 'linux')('on a terminal', () => {
  it('draws, holds still, says that the relay is away and comes back, and gives the screen back', async () => {
    const port = String(await freePort());
    const first = await startRelay({ PORT: port });
    const terminal = new TestTerminal(
      `${process.execPath} ${CLI} top --every 0.2 --url http://127.0.0.1:${port}`,
    );
    onTestFinished(() => terminal.end());
    await terminal.shows(/\[\?1049h[\s\S]* READY /);
    terminal.press('p');
    await terminal.shows(/PAUSED/);
    terminal.press('p');
    await terminal.shows(/rates over the last/);
    await first[Symbol.asyncDispose]();
    await terminal.shows(/ AWAY since \d\d:\d\d:\d\d .* nobody answers/);
    await using _second = await startRelay({ PORT: port });
    await terminal.shows(/ READY /);
    terminal.press('q');
    const [code] = await terminal.closed;
    expect(code).toBe(0);
    expect(terminal.text).toContain('\u001B[?1049l');
  });
});
