/** The relay through nginx: with the documented configuration, and with one mistake after the other. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type StartedProxy, startProxy } from '../proxies/proxies.ts';
import { type ComposedRelay, startRelay } from '../support/relay-process.ts';
import { relayProgram } from '../support/relay-program.ts';

const CLI = await relayProgram('cli');

let relay: ComposedRelay;
let directory: string;
beforeAll(async () => {
  relay = await startRelay();
  directory = mkdtempSync(join(tmpdir(), 'doctor-'));
});
afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

interface Run {
  readonly code: number;
  /** About the address. */
  readonly lines: readonly string[];
}

/** @param trusting whether the authority of the certificate is known */
async function doctor(
  url: string,
  args: readonly string[],
  proxy?: StartedProxy,
  trusting = true,
): Promise<Run> {
  const authority = join(directory, 'ca.pem');
  if (proxy !== undefined) writeFileSync(authority, proxy.ca);
  const env = {
    PATH: process.env['PATH'],
    DATA_DIR: directory,
    ...(trusting && proxy !== undefined ? { NODE_EXTRA_CA_CERTS: authority } : {}),
  };
  const command = [CLI, 'doctor', '--url', url, ...args];
  const { code, stdout } = await promisify(execFile)(process.execPath, command, { env }).then(
    (done) => ({ code: 0, ...done }),
    (failed: { code: number; stdout: string }) => failed,
  );
  const lines = stdout.split('\n').filter((line) => line.slice(6).startsWith('http'));
  return { code, lines: lines.map((line) => line.replaceAll(url, 'URL').replace(/^(\w+) +/, '$1 ')) };
}

const token = async () => ['--token', await relay.token()];

it('all is well with the documented configuration', async () => {
  await using proxy = await startProxy('nginx', relay.url);
  expect(await doctor(proxy.url, await token(), proxy)).toEqual({
    code: 0,
    lines: [
      expect.stringMatching(/^ok URL: its certificate ends in (29|30) days, on 20\d\d-\d\d-\d\d$/),
      'ok URL: the relay is ready',
      expect.stringMatching(/^ok URL: events arrive as they are written: the first text after \d+ ms, all/),
      expect.stringMatching(/^ok URL: WebSockets: open, and a ping comes back in \d+ ms$/),
    ],
  });
});

it('of a relay on this computer the doctor makes its own token', async () => {
  const { code, lines } = await doctor(relay.url, []);
  expect(lines.map((line) => line.slice(0, 30))).toEqual([
    'ok URL: the relay is ready',
    'ok URL: events arrive as they ',
    'ok URL: WebSockets: open, and ',
  ]);
  expect(code).toBe(0);
});

it('a proxy that buffers is found out', async () => {
  const buffering = [
    'proxy_pass http://relay;',
    'proxy_pass http://relay; proxy_ignore_headers X-Accel-Buffering; gzip on; gzip_types text/event-stream;',
  ] as const;
  await using proxy = await startProxy('nginx', relay.url, [buffering]);
  const { code, lines } = await doctor(proxy.url, await token(), proxy);
  expect(lines[2]).toMatch(
    /^fix URL: events: the relay wrote \d+ pieces in \d+ ms, and they arrived in \d+: the proxy buffers event streams/,
  );
  expect(code).toBe(1);
});

it.each([true, false])(
  'a proxy that takes upgrades away is found out: with a token: %s',
  async (hasToken) => {
    await using proxy = await startProxy('nginx', relay.url, [
      ['proxy_set_header Upgrade $http_upgrade;', ''],
      ['proxy_set_header Connection $relay_connection;', ''],
    ]);
    const { lines } = await doctor(proxy.url, hasToken ? await token() : [], proxy);
    expect(lines.at(-1)).toMatch(
      /^fix URL: WebSockets: the proxy takes the upgrade away \(426\): have it pass Upgrade/,
    );
  },
);

it('without a token says that events are not tried, and that upgrades pass', async () => {
  await using proxy = await startProxy('nginx', relay.url);
  const { lines } = await doctor(proxy.url, [], proxy);
  expect(lines.slice(-2)).toEqual([
    expect.stringMatching(/^note URL: events and pings are not tried without the token of a user/),
    'ok URL: WebSockets: upgrades reach the relay',
  ]);
});

it('a proxy that closes silent connections is found out', async () => {
  await using proxy = await startProxy('nginx', relay.url, [
    ['proxy_read_timeout 660s;', 'proxy_read_timeout 1s; proxy_send_timeout 1s;'],
  ]);
  const { lines } = await doctor(proxy.url, [...(await token()), '--silent', '60'], proxy);
  expect(lines.at(-1)).toMatch(/^fix URL: WebSockets: one that said nothing was closed within \d+ s/);
});

it('a certificate that nobody trusts, and a relay that is not there', async () => {
  const proxy = await startProxy('nginx', relay.url);
  try {
    const { code, lines } = await doctor(proxy.url, [], proxy, false);
    expect(lines[0]).toMatch(/^fix URL: its certificate is not trusted \([A-Z_]+\)/);
    expect(lines[1]).toMatch(/^fix URL: nobody answers \([A-Z_]+\)/);
    expect(code).toBe(1);
  } finally {
    await proxy[Symbol.asyncDispose]();
  }
  expect((await doctor(proxy.url, [])).lines[0]).toMatch(/^fix URL: nobody answers \(ECONNREFUSED\)/);
});

it('a token that the relay refuses', async () => {
  const { code, lines } = await doctor(relay.url, ['--token', 'no-token']);
  expect(lines.slice(-2)).toEqual([
    'fix URL: events: the token is refused (401): give one that is valid',
    'fix URL: WebSockets: the token is refused (401): give one that is valid',
  ]);
  expect(code).toBe(1);
});
