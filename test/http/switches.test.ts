/** The operator's switches while the relay runs: SWITCHES_FILE, and the one that sends everybody elsewhere. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConfigError, readConfig } from '../../src/config/environment.ts';
import { readConfigFiles } from '../../src/config/files.ts';
import { transportOf } from '../../src/http/routes/transport-config.ts';
import { startOldFunctions } from '../legacy/old-function.ts';
import { ask } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import { startSimulatedRelay, type TestRelay, userId } from '../support/relay-process.ts';
import { relayProgram } from '../support/relay-program.ts';

const CLI = await relayProgram('cli');
const QUESTION = { action: 'chat', messages: [{ role: 'user' as const, content: 'Hello' }] };

function switchesFile(content?: string) {
  const directory = mkdtempSync(join(tmpdir(), 'switches-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'switches.json');
  const write = (text: string): void => writeFileSync(path, text);
  if (content !== undefined) write(content);
  return { path, write, remove: () => rmSync(path) };
}

async function configOf(relay: TestRelay) {
  const { body } = await ask(`${relay.url}/v1/config`, { token: await relay.token() });
  return JSON.parse(body) as { transport: string; enabled: boolean };
}

async function post(relay: TestRelay, path: string, body: object) {
  const answer = await ask(relay.url + path, { method: 'POST', token: await relay.token(), body });
  return { status: answer.status, body: JSON.parse(answer.body) };
}

describe('SWITCHES_FILE', () => {
  it('holds without a restart; without the file the environment holds again', async () => {
    const file = switchesFile();
    await using relay = await startSimulatedRelay(
      {},
      { SWITCHES_FILE: file.path, WEBSOCKET_ROLLOUT_PERCENT: '0' },
    );
    expect(await configOf(relay)).toMatchObject({ transport: 'sse', enabled: true });
    file.write('{"websocketPercent": 100}');
    await relay.logged('switches changed', 1);
    expect(await configOf(relay)).toMatchObject({ transport: 'websocket' });
    file.write('{"streamingEnabled": false}');
    await relay.logged('switches changed', 2);
    expect(await configOf(relay)).toMatchObject({ transport: 'json', from: { transport: 'file' } });
    const { switches } = JSON.parse((await ask(`${relay.url}/readyz`)).body);
    expect(switches).toEqual({
      relayEnabled: { value: true, from: 'environment' },
      streamingEnabled: { value: false, from: 'file' },
      websocketPercent: { value: 0, from: 'environment' },
    });
    await expect(connectClient({ url: relay.url, token: await relay.token() })).rejects.toThrow('503');
    file.remove();
    const [, , last] = await relay.logged('switches changed', 3);
    expect(last).toMatchObject({
      RELAY_ENABLED: true,
      STREAMING_ENABLED: true,
      WEBSOCKET_ROLLOUT_PERCENT: 0,
      from: { STREAMING_ENABLED: 'environment' },
    });
    expect(await configOf(relay)).toMatchObject({ transport: 'sse' });
  });

  it('is told to every connection at once, to each what holds for its user', async () => {
    const file = switchesFile('{"websocketPercent": 100}');
    await using relay = await startSimulatedRelay({}, { SWITCHES_FILE: file.path });
    const users = [1, 2, 3, 4, 5, 6];
    await using clients = new AsyncDisposableStack();
    const told = [];
    for (const user of users) {
      const client = clients.use(await connectClient({ url: relay.url, token: await relay.token(user) }));
      told.push(client.next('config'));
    }
    file.write('{"websocketPercent": 50}');
    const common = { type: 'config', pollAfterMs: 300_000, enabled: true };
    expect(await Promise.all(told)).toEqual(
      users.map((user) => ({ ...common, transport: transportOf(userId(user), 50) })),
    );
  });

  it('that cannot be used is named, and the last values hold', async () => {
    const file = switchesFile('{"websocketPercent": 0}');
    await using relay = await startSimulatedRelay({}, { SWITCHES_FILE: file.path });
    file.write('{"STREAMING": false}');
    const [line] = await relay.logged('SWITCHES_FILE cannot be used: its last values hold');
    expect(line).toMatchObject({ level: 'error', why: expect.stringContaining('STREAMING') });
    expect(await configOf(relay)).toMatchObject({ transport: 'sse', enabled: true });
  });

  it.each<[what: string, spoil: (path: string, later: string) => void, says: string]>([
    ['cannot be reached any more', (path, later) => symlinkSync(later, path), 'ELOOP'],
    ['is a directory', (path) => mkdirSync(path), 'name a file of at most'],
    ['is far too large', (path) => writeFileSync(path, `{}${' '.repeat(70_000)}`), 'name a file of at most'],
    ['is half written', (path) => writeFileSync(path, '{"relayEnabled"'), 'JSON'],
  ])('that %s turns no switch back', async (_what, spoil, says) => {
    const file = switchesFile('{"relayEnabled": false}');
    await using relay = await startSimulatedRelay({}, { SWITCHES_FILE: file.path });
    const { path } = switchesFile();
    spoil(path, file.path);
    renameSync(file.path, `${file.path}.old`);
    renameSync(path, file.path);
    const [line] = await relay.logged('SWITCHES_FILE cannot be used: its last values hold');
    expect(line).toMatchObject({ why: expect.stringContaining(says) });
    expect(await configOf(relay)).toMatchObject({ enabled: false });
  });

  it('that cannot be used does not start', () => {
    const { path } = switchesFile('{"relayEnabled": "no"}');
    const read = () =>
      readConfigFiles(readConfig({ SWITCHES_FILE: path, DATA_DIR: join(path, '..') }), 0, () => {});
    expect(read).toThrow(ConfigError);
    expect(read).toThrow('SWITCHES_FILE: unable to use the switches file');
  });
});

describe('RELAY_ENABLED=false', () => {
  it('refuses questions by every transport, with the reason', async () => {
    await using relay = await startSimulatedRelay({}, { RELAY_ENABLED: 'false' });
    const refusal = { code: 'unavailable', reason: 'switched_off', retryable: true };
    expect(await configOf(relay)).toMatchObject({ enabled: false });
    expect(await post(relay, '/v1/chat', QUESTION)).toMatchObject({ status: 503, body: { error: refusal } });
    await using client = await connectClient({ url: relay.url, token: await relay.token() });
    const stream = client.start(QUESTION);
    await expect(client.ended(stream)).rejects.toThrow('"reason":"switched_off"');
    expect(relay.simulator.requests).toHaveLength(0);
    await relay.logged('the relay is switched off: it takes no question');
  });

  it('lets what runs end as it would, also for who comes back to it', async () => {
    const file = switchesFile();
    await using relay = await startSimulatedRelay(
      { pace: { firstTokenMs: 0, deltasPerSecond: 20 } },
      { SWITCHES_FILE: file.path },
    );
    relay.simulator.script({ deltas: Array.from({ length: 100 }, (_, n) => `${n} `) });
    await using client = await connectClient({ url: relay.url, token: await relay.token() });
    const stream = client.start(QUESTION);
    file.write('{"relayEnabled": false}');
    await relay.logged('switches changed');
    expect(stream.ending).toBeUndefined();
    expect(await post(relay, '/v1/chat', QUESTION)).toMatchObject({ status: 503 });
    expect(await client.ended(stream)).toMatchObject({ type: 'done', seq: 100 });
  });

  it('passes on what this relay cannot read, which may be why it is off', async () => {
    await using old = await startOldFunctions(({ response }) => response.end('{"content":"of old"}'));
    await using relay = await startSimulatedRelay(
      {},
      { RELAY_ENABLED: 'false', LEGACY_FUNCTIONS_URL: old.url },
    );
    const body = { action: 'chat', prompt: { of: 'another version' }, stream: 'true' };
    expect((await post(relay, '/functions/v1/ai-gateway', body)).status).toBe(200);
    expect(JSON.parse(old.asked[0]?.body ?? '')).toEqual(body);
  });

  it('passes questions on to the old function where there is one', async () => {
    await using old = await startOldFunctions(({ response }) => response.end('{"content":"of old"}'));
    await using relay = await startSimulatedRelay(
      {},
      { RELAY_ENABLED: 'false', LEGACY_FUNCTIONS_URL: old.url },
    );
    const gateway = '/functions/v1/ai-gateway';
    expect(await post(relay, gateway, QUESTION)).toEqual({ status: 200, body: { content: 'of old' } });
    expect(JSON.parse(old.asked[0]?.body ?? '')).toEqual(QUESTION);
    await using without = await startSimulatedRelay({}, { RELAY_ENABLED: 'false' });
    expect(await post(without, gateway, QUESTION)).toMatchObject({
      status: 503,
      body: { error: 'unavailable' },
    });
  });
});

describe('dash-relay switch', () => {
  const run = (file: string | undefined, ...words: string[]) =>
    spawnSync(process.execPath, [CLI, 'switch', ...words], {
      encoding: 'utf8',
      env: { ...process.env, ...(file === undefined ? {} : { SWITCHES_FILE: file }) },
    });

  it('changes what a running relay does, keeps what it does not name, and takes it back', async () => {
    const file = switchesFile('{"websocketPercent": 0}');
    await using relay = await startSimulatedRelay({}, { SWITCHES_FILE: file.path });
    const { stdout } = run(file.path, 'streaming=off', 'relay=off');
    expect(stdout).toBe(
      [
        `# written to ${file.path}, for this machine`,
        'RELAY_ENABLED=false # SWITCHES_FILE',
        'STREAMING_ENABLED=false # SWITCHES_FILE',
        'WEBSOCKET_ROLLOUT_PERCENT=0 # SWITCHES_FILE\n',
      ].join('\n'),
    );
    await relay.logged('switches changed', 1);
    expect(await configOf(relay)).toMatchObject({ transport: 'json', enabled: false });
    run(file.path, 'streaming=environment', 'relay=on', 'percent=100');
    await relay.logged('switches changed', 2);
    expect(await configOf(relay)).toMatchObject({ transport: 'websocket', enabled: true });
    run(file.path, 'relay=environment', 'percent=environment');
    expect(existsSync(file.path)).toBe(false);
    expect(run(file.path).stdout).toContain('WEBSOCKET_ROLLOUT_PERCENT=100 # environment\n');
  });

  it.each([
    [['percent=101'], 2, /^percent is a whole number from 0 to 100/],
    [['percent=30=40'], 2, /^percent is a whole number from 0 to 100.*30=40/],
    [['streaming=maybe'], 2, /^streaming is "on", "off" or "environment"/],
    [['light=on'], 2, /^There is no switch "light"/],
    [['--nope'], 2, /--nope/],
    [['--file', '--fleet'], 2, /^"--fleet" and "--file" are two places/],
    [['--fleet'], 1, /^REDIS_URL is not set/],
  ] as const)('says what is wrong with %j, and changes nothing', (words, status, saying) => {
    const file = switchesFile('{"websocketPercent": 7}');
    expect(run(file.path, 'relay=off', ...words)).toMatchObject({
      status,
      stderr: expect.stringMatching(saying),
    });
    expect(readFileSync(file.path, 'utf8')).toBe('{"websocketPercent": 7}');
  });

  it('writes a file that a relay of another user can read, whatever the umask', () => {
    const file = switchesFile('{}');
    const before = process.umask(0o077);
    onTestFinished(() => void process.umask(before));
    expect(run(file.path, 'relay=off').status).toBe(0);
    expect(statSync(file.path).mode & 0o777).toBe(0o644);
  });

  it('changes no file that is broken, and says what to do', () => {
    const file = switchesFile('{"relayEnabled"');
    expect(run(file.path, 'relay=off')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /JSON.*\nNothing is changed: mend the file, or remove it and ask again\.\n$/s,
      ),
    });
  });

  it('needs a file to write', () => {
    expect(run(undefined, 'relay=off')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^SWITCHES_FILE is not set/),
    });
  });
});
