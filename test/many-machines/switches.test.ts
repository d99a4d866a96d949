/** Switches of the whole fleet: set by one command, heard by every machine, kept with what machines share. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Environment } from '../../src/config/environment.ts';
import { ask } from '../support/http-doors.ts';
import { startRelay, type TestRelay } from '../support/relay-process.ts';
import { relayProgram } from '../support/relay-program.ts';
import { eventually } from '../support/test-run.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

const CLI = await relayProgram('cli');
const KEY = 'dash:test:switches';
const UNUSABLE = 'the switches of the fleet cannot be used: their last values hold';

let redis: RedisServer;
beforeEach(async () => {
  redis = await startRedis();
});
afterEach(() => redis[Symbol.asyncDispose]());

function environment(more: Environment = {}): Environment {
  return { REDIS_URL: redis.url, REDIS_PREFIX: 'dash:test', ...more };
}

/** `dash-relay switch` beside the relays. */
function command(words: readonly string[], more: Environment = {}) {
  const env = { PATH: process.env['PATH'], ...environment(more) };
  return spawnSync(process.execPath, [CLI, 'switch', ...words], { encoding: 'utf8', env });
}

async function machine(more: Environment = {}) {
  return await startRelay(environment(more));
}

async function configOf(relay: TestRelay): Promise<object> {
  return JSON.parse((await ask(`${relay.url}/v1/config`, { token: await relay.token() })).body);
}

function switchesFile(content: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'switches-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'switches.json');
  writeFileSync(file, content);
  return file;
}

describe('dash-relay switch with REDIS_URL', () => {
  it('moves every machine, also one that starts later, and takes back what it set', async () => {
    await using a = await machine();
    await using b = await machine();
    expect(command(['relay=off', 'percent=0']).stdout).toBe(
      [
        '# set for all relays on REDIS_URL',
        'RELAY_ENABLED=false # fleet',
        'STREAMING_ENABLED=true # environment',
        'WEBSOCKET_ROLLOUT_PERCENT=0 # fleet\n',
      ].join('\n'),
    );
    const off = { transport: 'sse', enabled: false, from: { transport: 'fleet', enabled: 'fleet' } };
    for (const relay of [a, b]) {
      await relay.logged('switches changed');
      expect(await configOf(relay)).toMatchObject(off);
    }
    await using later = await machine();
    expect(await configOf(later)).toMatchObject(off);
    await later.logged('the relay is switched off: it takes no question');
    command(['relay=environment', 'percent=50']);
    for (const relay of [a, b]) await relay.logged('switches changed', 2);
    expect(JSON.parse((await ask(`${b.url}/readyz`)).body).switches).toEqual({
      relayEnabled: { value: true, from: 'environment' },
      streamingEnabled: { value: true, from: 'environment' },
      websocketPercent: { value: 50, from: 'fleet' },
    });
    command(['percent=environment']);
    await a.logged('switches changed', 3);
    expect(await redis.client.exists(KEY)).toBe(0);
  });

  it('is heard without its message as well', async () => {
    await using relay = await machine();
    await redis.client.hset(KEY, 'streamingEnabled', 'false');
    await relay.logged('switches changed');
    expect(await configOf(relay)).toMatchObject({ transport: 'json', from: { transport: 'fleet' } });
  });

  it('holds where Redis is away, until Redis is back and has lost it', async () => {
    await using relay = await machine();
    command(['streaming=off']);
    await relay.logged('switches changed', 1);
    await redis.stop();
    const [line] = await relay.logged(UNUSABLE);
    expect(line).toMatchObject({ level: 'warn' });
    expect(await configOf(relay)).toMatchObject({ transport: 'json' });
    const { status, stderr } = command(['streaming=on']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^the switches of the fleet cannot be reached \(ECONNREFUSED: .*--file/);
    const file = switchesFile('{}');
    const alone = command(['relay=off', '--file'], { SWITCHES_FILE: file });
    expect(alone).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('RELAY_ENABLED=false # SWITCHES_FILE'),
    });
    expect(alone.stdout).toContain('# the switches of the fleet cannot be reached');
    await redis.restart();
    await relay.logged('switches changed', 2);
    expect(await configOf(relay)).toMatchObject({
      transport: 'websocket',
      from: { transport: 'environment' },
    });
  });

  it('gives way to SWITCHES_FILE of a machine, and says so', async () => {
    const file = switchesFile('{"streamingEnabled": true}');
    await using own = await machine({ SWITCHES_FILE: file });
    await using other = await machine();
    const { stdout } = command(['streaming=off', 'percent=10'], { SWITCHES_FILE: file });
    expect(stdout).toContain(
      '# STREAMING_ENABLED: SWITCHES_FILE of this machine says otherwise, and holds here\n',
    );
    expect(stdout).toContain(
      'STREAMING_ENABLED=true # SWITCHES_FILE\nWEBSOCKET_ROLLOUT_PERCENT=10 # fleet\n',
    );
    for (const relay of [own, other]) await relay.logged('switches changed');
    expect(JSON.parse((await ask(`${own.url}/readyz`)).body).switches).toMatchObject({
      streamingEnabled: { value: true, from: 'file' },
      websocketPercent: { value: 10, from: 'fleet' },
    });
    expect(await configOf(other)).toMatchObject({ transport: 'json' });
    expect(command(['streaming=environment', '--file'], { SWITCHES_FILE: file }).stdout).toContain(
      `# written to ${file}, for this machine\n`,
    );
    await own.logged('switches changed', 2);
    expect(await configOf(own)).toMatchObject({ transport: 'json', from: { transport: 'fleet' } });
  });

  it('may have a switch of a release to come, which this one leaves alone', async () => {
    await using relay = await machine();
    await redis.client.hset(KEY, { light: 'true', streamingEnabled: 'false' });
    await relay.logged('switches changed');
    expect(await configOf(relay)).toMatchObject({ transport: 'json', from: { transport: 'fleet' } });
    command(['streaming=environment']);
    expect(await redis.client.hgetall(KEY)).toEqual({ light: 'true' });
  });

  it('finds the relays of one issuer without REDIS_PREFIX', async () => {
    await using relay = await machine({ REDIS_PREFIX: '' });
    command(['percent=0'], { REDIS_PREFIX: '', DATA_DIR: relay.dataDir });
    await relay.logged('switches changed');
    expect(await configOf(relay)).toMatchObject({ transport: 'sse' });
  });
});

describe('what Redis holds and is no switch', () => {
  it.each<[what: string, spoil: () => Promise<unknown>, level: string, why: string]>([
    [
      'has another value',
      () => redis.client.hset(KEY, 'websocketPercent', '101'),
      'error',
      'websocketPercent',
    ],
    [
      'has a value that is no JSON',
      () => redis.client.hset(KEY, 'relayEnabled', 'maybe'),
      'error',
      'relayEnabled',
    ],
    ['is no hash', () => redis.client.set(KEY, 'off'), 'warn', 'WRONGTYPE'],
  ])('because it %s changes nothing and is named', async (_what, spoil, level, why) => {
    await redis.client.hset(KEY, 'streamingEnabled', 'false');
    await using relay = await machine();
    expect(await configOf(relay)).toMatchObject({ transport: 'json' });
    await spoil();
    const [line] = await relay.logged(UNUSABLE);
    expect(line).toMatchObject({ level, why: expect.stringContaining(why) });
    expect(await configOf(relay)).toMatchObject({ transport: 'json' });
    expect(command([]).stderr).toContain(why);
    await redis.client.del(KEY);
    await eventually('the environment holds', async () => {
      return ((await configOf(relay)) as { transport: string }).transport === 'websocket';
    });
  });
});
