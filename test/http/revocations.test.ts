/** Revocations of one machine, in REVOCATIONS_FILE: everything that goes on by a revoked token ends, by every transport. */
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { revokeCommand } from '../../src/compose/revoke-command.ts';
import { ConfigError, readConfig } from '../../src/config/environment.ts';
import { readConfigFiles } from '../../src/config/files.ts';
import { ask, open, textOf } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import {
  type SimulatedRelay,
  startSimulatedRelay,
  type TestRelay,
  userId,
} from '../support/relay-process.ts';
import { runCommand } from '../support/run-command.ts';
import { eventually } from '../support/test-run.ts';

const ENDED = 'tokens were revoked: what went on by them is ended';
const SESSION = '5f0c7c1e-93a1-4a57-8b0e-6f4d1c2b3a99';
const DAY_MS = 86_400_000;
const QUESTION = { action: 'chat', messages: [{ role: 'user' as const, content: 'Hello' }] };
/** More than half a minute of words, so that no test waits for their end. */
const ENDLESS = { model: 'sim:long' } as const;
const PACE = { firstTokenMs: 0, deltasPerSecond: 8 } as const;

function revocationsFile(content?: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'revocations-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'revocations.json');
  if (content !== undefined) writeFileSync(path, content);
  return path;
}

function revoke(file: string | undefined, ...words: string[]) {
  return runCommand(revokeCommand, words, file === undefined ? {} : { REVOCATIONS_FILE: file });
}

async function session(relay: TestRelay, token: string): Promise<number> {
  return (await ask(`${relay.url}/v1/session`, { token })).status;
}

/** A token as it is: signed by the development issuer, with claims that a test may read. */
function claimsOf(token: string): { readonly session_id: string; readonly iat: number } {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

async function freshToken(relay: TestRelay, user = 1): Promise<string> {
  const { body } = await ask(`${relay.url}/dev/token`, {
    method: 'POST',
    body: { sub: userId(user), tier: 'enterprise' },
  });
  return (JSON.parse(body) as { access_token: string }).access_token;
}

/** Reads of the response what comes until the condition holds of it; the rest is the caller's. */
async function readUntil(response: IncomingMessage, holds: (text: string) => boolean): Promise<void> {
  let text = '';
  while (!holds(text)) {
    const part = response.read() as Buffer | null;
    if (part === null) await once(response, 'readable');
    else text += part.toString();
  }
}

async function begin(
  relay: SimulatedRelay,
  accept: string,
  token: string,
  id: string,
): Promise<IncomingMessage> {
  return await open(`${relay.url}/v1/chat`, {
    method: 'POST',
    token,
    body: { ...QUESTION, ...ENDLESS, id },
    headers: { accept },
  });
}

describe('a user who is revoked', () => {
  it('with three sockets and streams by every transport is out at once; nobody else notices', async () => {
    const file = revocationsFile();
    await using relay = await startSimulatedRelay({ pace: PACE }, { REVOCATIONS_FILE: file });
    const token = await relay.token(1);
    await using clients = new AsyncDisposableStack();
    const connect = async (of: string) => clients.use(await connectClient({ url: relay.url, token: of }));
    const sockets = [await connect(token), await connect(token), await connect(token)] as const;
    const bob = await connect(await relay.token(2));
    const streams = [sockets[0].start(ENDLESS), sockets[0].start(ENDLESS), sockets[1].start(ENDLESS)];
    const bobs = bob.start(ENDLESS);
    const events = await begin(relay, 'text/event-stream', token, 'by-events');
    const whole = begin(relay, 'application/json', token, 'as-one-answer');
    const legacy = open(`${relay.url}/functions/v1/ai-gateway`, {
      method: 'POST',
      token,
      body: { ...QUESTION, ...ENDLESS, stream: true },
    });
    await sockets[0].until(() => streams[0]?.seq && streams[1]?.seq);
    await sockets[1].until(() => streams[2]?.seq || undefined);
    await bob.until(() => bobs.seq || undefined);
    await readUntil(events, (text) => text.includes('event: chunk'));
    await eventually('seven answers are under way', () => relay.simulator.stats.open === 7);
    const before = bobs.seq;

    const { stdout, code } = await revoke(file, '--user', userId(1));

    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        new RegExp(
          `^# written to ${file}, for this machine\nuser ${userId(1)} issued before .*Z, until .*Z\n$`,
        ),
      ),
    });
    const [line] = await relay.logged(ENDED);
    expect(line).toMatchObject({ streams: 6, connections: 3, requests: 3 });
    for (const socket of sockets) expect(await socket.closed).toEqual({ code: 4401, reason: 'tokenRevoked' });
    expect(await textOf(events)).toMatch(
      /event: error\ndata: \{"type":"error","id":"[\w-]+","of":"resume","code":"unauthorized"/,
    );
    const answer = await whole;
    expect(answer.statusCode).toBe(401);
    expect(JSON.parse(await textOf(answer))).toMatchObject({
      error: { code: 'unauthorized', retryable: false },
    });
    expect(await textOf(await legacy)).toContain('unauthorized');
    await eventually("only Bob's request is open at the model", () => relay.simulator.stats.open === 1);
    await bob.until(() => bobs.seq > before + 5 || undefined);
    expect(await session(relay, token)).toBe(401);
    expect(await session(relay, await relay.token(2))).toBe(200);
    await expect(connectClient({ url: relay.url, token })).rejects.toThrow('401');
    const rows = await relay.usageRows();
    const alices = rows.filter((row) => row.userId === userId(1));
    expect(alices).toHaveLength(6);
    for (const row of alices) expect(row).toMatchObject({ status: 'error', code: 'unauthorized' });
    expect(alices.filter(({ source }) => source === 'estimated').length).toBeGreaterThanOrEqual(4);
    expect(rows.filter((row) => row.userId === userId(2))).toMatchObject([{ status: 'running' }]);
    const { body: metrics } = await ask(`${relay.url}/metrics`);
    expect(metrics).toMatch(/^dash_revocations\{of="user"\} 1$/m);
    expect(metrics).toMatch(/^dash_revoked_total\{what="stream"\} 6$/m);
    for (const text of relay.logText) expect(text).not.toContain(token);
  });

  it('is served again with a token from later, and reads on what was kept', async () => {
    const file = revocationsFile();
    await using relay = await startSimulatedRelay({ pace: PACE }, { REVOCATIONS_FILE: file });
    const old = await relay.token(1);
    await using client = await connectClient({ url: relay.url, token: old });
    const stream = client.start(ENDLESS);
    await client.until(() => stream.seq || undefined);
    // All that was issued until the last second: the next token is of a later one.
    const moment = new Date((claimsOf(old).iat + 1) * 1000).toISOString();
    await eventually('that second is over', () => Date.now() > Date.parse(moment));
    expect((await revoke(file, '--user', userId(1).toUpperCase(), '--before', moment)).code).toBe(0);
    await client.closed;
    expect((await ask(`${relay.url}/v1/streams/${stream.id}`, { token: old })).status).toBe(401);
    const fresh = await freshToken(relay);
    await using again = await connectClient({ url: relay.url, token: fresh });
    const held = again.adopt(stream);
    again.resume(held, 0);
    expect(await again.ended(held)).toMatchObject({
      type: 'error',
      code: 'unauthorized',
      message: 'the access token was revoked; sign in again',
      retryable: false,
      usage: { source: 'estimated' },
    });
    const next = again.start({ model: 'sim:fast' });
    expect(await again.ended(next)).toMatchObject({ type: 'done' });
    // The old token does not come back by the new connection either.
    again.send({ type: 'auth', token: old });
    expect(await again.next('error')).toMatchObject({ code: 'unauthorized' });
  });

  it('is out by session alone where only that is named, and back once that is taken back', async () => {
    const file = revocationsFile();
    await using relay = await startSimulatedRelay({ pace: PACE }, { REVOCATIONS_FILE: file });
    const [phone, laptop] = [await relay.token(1), await freshToken(relay)];
    await using onPhone = await connectClient({ url: relay.url, token: phone });
    await using onLaptop = await connectClient({ url: relay.url, token: laptop });
    const [ofPhone, ofLaptop] = [onPhone.start(ENDLESS), onLaptop.start(ENDLESS)];
    await onPhone.until(() => ofPhone.seq || undefined);
    await onLaptop.until(() => ofLaptop.seq || undefined);
    const followed = await open(`${relay.url}/v1/streams/${ofLaptop.id}`, { token: phone });
    await readUntil(followed, (text) => text.includes('event: resumed'));
    const id = claimsOf(phone).session_id;

    expect((await revoke(file, '--session', id)).code).toBe(0);

    expect(await onPhone.closed).toEqual({ code: 4401, reason: 'tokenRevoked' });
    expect(await textOf(followed)).toContain('"code":"unauthorized"');
    const seq = ofLaptop.seq;
    await onLaptop.until(() => ofLaptop.seq > seq + 3 || undefined);
    expect([await session(relay, phone), await session(relay, laptop)]).toEqual([401, 200]);
    expect((await revoke(file, '--list')).stdout).toMatch(
      new RegExp(`^session ${id} all, since .*Z, until .*Z # REVOCATIONS_FILE\n$`),
    );
    expect((await revoke(file, '--session', id, '--undo')).stdout).toContain(`session ${id} is taken back\n`);
    await eventually('it is served again', async () => (await session(relay, phone)) === 200);
    expect(readFileSync(file, 'utf8')).toBe('{}\n');
  });

  it('by the key that signed: all are out, until that is taken back', async () => {
    const file = revocationsFile();
    await using relay = await startSimulatedRelay({ pace: PACE }, { REVOCATIONS_FILE: file });
    const tokens = [await relay.token(1), await relay.token(2)] as const;
    const { kid } = JSON.parse(Buffer.from(tokens[0].split('.')[0] ?? '', 'base64url').toString());
    await using client = await connectClient({ url: relay.url, token: tokens[0] });
    expect((await revoke(file, '--key', kid)).stdout).toMatch(
      new RegExp(`key ${kid} all, since .*Z, until it is taken back\n$`),
    );
    expect(await client.closed).toMatchObject({ code: 4401 });
    for (const token of tokens) expect(await session(relay, token)).toBe(401);
    await revoke(file, '--key', kid, '--undo');
    await eventually('both are served', async () => (await session(relay, tokens[1])) === 200);
  });
});

describe('REVOCATIONS_FILE', () => {
  const entry = (list: string, name: string, at: number) =>
    JSON.stringify({ [list]: { [name]: new Date(at).toISOString() } });

  it('holds from the start; what has lapsed in it holds no more, and goes with the next change', async () => {
    const file = revocationsFile(entry('users', userId(1), Date.now() + 3_600_000));
    await using relay = await startSimulatedRelay({}, { REVOCATIONS_FILE: file });
    expect(await session(relay, await relay.token(1))).toBe(401);
    const id = claimsOf(await relay.token(2)).session_id;
    writeFileSync(file, entry('sessions', id, Date.now() - 32 * DAY_MS));
    await relay.logged('revocations changed', 2);
    expect(await session(relay, await relay.token(2))).toBe(200);
    expect((await revoke(file, '--list')).stdout).toBe('');
    await revoke(file, '--user', userId(3));
    expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')))).toEqual(['users']);
    await relay.logged('revocations changed', 3);
    rmSync(file);
    await relay.logged('revocations changed', 4);
    expect(await session(relay, await relay.token(1))).toBe(200);
  });

  it('that cannot be used is named, and its last entries hold', async () => {
    const file = revocationsFile(entry('users', userId(1), Date.now() + 3_600_000));
    await using relay = await startSimulatedRelay({}, { REVOCATIONS_FILE: file });
    writeFileSync(file, '{"users": {"somebody": "2026-11-29T18:00:00Z"}}');
    const [line] = await relay.logged('REVOCATIONS_FILE cannot be used: its last entries hold');
    expect(line).toMatchObject({ level: 'error', why: expect.stringContaining('must be a UUID') });
    expect(await session(relay, await relay.token(1))).toBe(401);
    rmSync(file);
    mkdirSync(file);
    await relay.logged('REVOCATIONS_FILE cannot be used: its last entries hold', 2);
    expect(await session(relay, await relay.token(1))).toBe(401);
    rmSync(file, { recursive: true });
    relay.reload();
    await eventually('nobody is revoked', async () => (await session(relay, await relay.token(1))) === 200);
  });

  it.each([
    ['[]', 'expected object'],
    ['{"user": {}}', 'Unrecognized key'],
    [`{"users": {"${userId(1)}": "yesterday"}}`, 'must be a time with its zone'],
    [`{"users": {"${userId(1)}": "2026-11-29T18:00:00"}}`, 'must be a time with its zone'],
    ['{"keys": {"a key": "2026-11-29T18:00:00Z"}}', 'must be the kid of a key'],
    ['{"users": ', 'JSON'],
  ])('with %s does not start', (content, says) => {
    const file = revocationsFile(content);
    const read = () =>
      readConfigFiles(readConfig({ REVOCATIONS_FILE: file, DATA_DIR: join(file, '..') }), 0, () => {});
    expect(read).toThrow(ConfigError);
    expect(read).toThrow('REVOCATIONS_FILE: unable to use the revocations file');
    expect(read).toThrow(says);
  });
});

describe('dash-relay revoke', () => {
  it.each([
    [[], 2, /^Whose tokens\? Name them by --user, --session or --key/],
    [['--user', 'alice'], 2, /^--user is a UUID such as .*: alice/],
    [['--session', 'x'.repeat(200)], 2, /^--session is a UUID such as [^:]*: x{64}\n/],
    [['--key', 'a key'], 2, /^--key is the kid of a key/],
    [['--key', ''], 2, /^--key is the kid of a key/],
    [['--user', userId(1), '--before', 'noon'], 2, /^--before is not a date such as 2026-11-22: noon/],
    [['--user', userId(1), '--before', '2999-01-01'], 2, /^--before lies ahead/],
    [['--user', userId(1), '--before', '2020-01-01'], 2, /^--before is so long ago/],
    [['--session', SESSION, '--before', '2026-11-29'], 2, /^--before goes with --user alone/],
    [['--user', userId(1), '--undo', '--before', '2026-11-29'], 2, /^--before goes with --user alone/],
    [['--list', '--user', userId(1)], 2, /^"--list" changes nothing: give it alone/],
    [['--undo'], 2, /^Whose tokens\?/],
    [['--file', '--fleet', '--list'], 2, /^"--fleet" and "--file" are two places/],
    [['--user'], 2, /--user/],
    [['--nope'], 2, /--nope/],
    [['--fleet', '--user', userId(1)], 1, /^REDIS_URL is not set: name the Redis of the relays/],
  ] as const)('says what is wrong with %j, and changes nothing', async (words, code, saying) => {
    const file = revocationsFile();
    expect(await revoke(file, ...words)).toMatchObject({ code, stderr: expect.stringMatching(saying) });
    expect(existsSync(file)).toBe(false);
  });

  it('takes several at once, and all of them or none', async () => {
    const file = revocationsFile();
    const all = ['--user', userId(1), '--user', userId(2), '--session', SESSION, '--key', 'k1'];
    expect((await revoke(file, ...all)).code).toBe(0);
    const kept = readFileSync(file, 'utf8');
    expect(Object.values(JSON.parse(kept)).map((list) => Object.keys(list as object).length)).toEqual([
      2, 1, 1,
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect((await revoke(file, '--user', userId(3), '--user', 'nobody')).code).toBe(2);
    expect(readFileSync(file, 'utf8')).toBe(kept);
  });

  it('keeps ten thousand, and says what to do about more', async () => {
    const at = new Date().toISOString();
    const users = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [userId(n), at]));
    const content = JSON.stringify({ users });
    const file = revocationsFile(content);
    expect(await revoke(file, '--session', SESSION)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^there would be 10001 revocations, and at most 10000 are kept; nothing is changed\./,
      ),
    });
    expect(readFileSync(file, 'utf8')).toBe(content);
    expect((await revoke(file, '--user', userId(7), '--undo')).code).toBe(0);
    expect((await revoke(file, '--session', SESSION)).code).toBe(0);
  });

  it('changes no file that is broken, and needs one to write', async () => {
    const file = revocationsFile('{"users"');
    expect(await revoke(file, '--user', userId(1))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /JSON.*\nNothing is changed: mend the file, or remove it and ask again\.\n$/s,
      ),
    });
    expect(await revoke(undefined, '--user', userId(1))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^REVOCATIONS_FILE is not set: name the file here and to the relay/),
    });
  });
});
