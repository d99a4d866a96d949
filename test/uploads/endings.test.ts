/** What ends an upload beside its answer, and what one costs: revoked tokens, erased users, a machine that stops, silence, quotas. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { erase } from '../../src/compose/erase-command.ts';
import { revokeCommand } from '../../src/compose/revoke-command.ts';
import type { Timer } from '../../src/time/clock.ts';
import { LocalUploadStore } from '../../src/uploads/local-store.ts';
import { MemoryShelf } from '../../src/uploads/memory-shelf.ts';
import { Uploads } from '../../src/uploads/uploads.ts';
import { openRaw, parseAnswer } from '../http/raw-client.ts';
import { startServer } from '../http/start-server.ts';
import { startRedis } from '../many-machines/redis-server.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startRelay, userId } from '../support/relay-process.ts';
import { runCommand } from '../support/run-command.ts';
import { JPEG, pdf, png, pngHead } from './files.ts';
import {
  document,
  image,
  type RelayWithUploads,
  startRelayWithUploads,
  words,
} from './relay-with-uploads.ts';

const folder = mkdtempSync(join(tmpdir(), 'uploads-end-'));
const [DATA_DIR, UPLOADS_DIR] = [join(folder, 'data'), join(folder, 'uploads')];
const REVOCATIONS_FILE = join(folder, 'revocations.json');
/** Of a machine that others may keep busy. */
const SOON = { timeout: 20_000 };

let the: RelayWithUploads;
beforeAll(async () => {
  mkdirSync(DATA_DIR);
  the = await startRelayWithUploads({ DATA_DIR, UPLOADS_DIR, REVOCATIONS_FILE, COUNT_TOKENS_ABOVE: '0' });
});
afterAll(async () => {
  await the.close();
  rmSync(folder, { recursive: true });
});

const tokenOf = (user: string) => the.relay.token(user, { tier: 'teacher' });
const held = () => the.metric('dash_uploads_held');
const filesThere = () =>
  readdirSync(UPLOADS_DIR, { recursive: true, withFileTypes: true }).filter((each) => each.isFile()).length;

async function sent(token: string, file = JPEG): Promise<string> {
  const { status, body } = await the.send(token, file);
  expect(status).toBe(201);
  return body.id ?? '';
}

function sessionOf(token: string): string {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    readonly session_id: string;
  };
  return claims.session_id;
}

it('what was sent by a token that is revoked is deleted at once; what others sent stays', async () => {
  const [revoked, other] = [await tokenOf(randomUUID()), await tokenOf(randomUUID())];
  await sent(revoked);
  await sent(revoked, png());
  const id = await sent(other);
  expect(filesThere()).toBe(3);
  await runCommand(revokeCommand, ['--session', sessionOf(revoked)], { REVOCATIONS_FILE });
  await expect.poll(held, SOON).toBe(1);
  await expect.poll(filesThere, SOON).toBe(1);
  expect((await the.send(revoked, JPEG)).body.error?.code).toBe('unauthorized');
  expect((await the.ask(other, [image(id)])).status).toBe(200);
});

/** Tokens of the day. */
async function tokensOf(token: string) {
  const { body } = await the.call('GET', '/v1/usage', token);
  const line = body.quotas?.find(({ of, period }) => of === 'tokens' && period === 'day');
  if (line === undefined) throw new Error('no quota of tokens is counted');
  return line;
}

/** What is held while the model is asked that, by somebody who has asked nothing else. */
async function reservedFor(token: string, ...content: readonly object[]): Promise<number> {
  const id = `asked-${randomUUID()}`;
  the.simulator.script('silent');
  const asked = the.ask(token, [...content, words('How do I solve number 3?')], { id });
  const reserved = async () => (await tokensOf(token)).reserved;
  await expect.poll(reserved, SOON).toBeGreaterThan(0);
  const tokens = await reserved();
  await the.call('DELETE', `/v1/streams/${id}`, token);
  await asked;
  await expect.poll(reserved, SOON).toBe(0);
  return tokens;
}

it('a quota holds a token for each tile of an image, each page of a PDF as text and image, and then what was billed', async () => {
  const token = await tokenOf(randomUUID());
  const without = await reservedFor(token);
  const costOf = async (file: Buffer, block = image) =>
    (await reservedFor(token, block(await sent(token, file)))) - without;
  expect(await costOf(png([], pngHead(1000, 560)))).toBe(36 * 20); // tiles of 28 pixels, begun ones too
  expect(await costOf(png([], pngHead(4000, 3000)))).toBe(4784); // scaled down by the API: the most that one costs
  expect(await costOf(pdf(3), document)).toBe(3 * (4784 + 3900));

  const { used } = await tokensOf(token);
  const { body } = await the.ask(token, [image(await sent(token)), words('Why?')]);
  const { inputTokens = 0, outputTokens = 0 } = body.usage ?? {};
  expect(inputTokens * outputTokens).toBeGreaterThan(0);
  expect(await tokensOf(token)).toMatchObject({ used: used + inputTokens + outputTokens, reserved: 0 });
});

it('erasing a user deletes what they sent, beside the relay; with --before, and of others, nothing', async () => {
  await expect.poll(filesThere, SOON).toBe(0);
  const [alice, bob] = [randomUUID(), randomUUID()];
  const [tokenOfAlice, tokenOfBob] = [await tokenOf(alice), await tokenOf(bob)];
  const [photo, plain] = [await sent(tokenOfAlice), await sent(tokenOfAlice, png())];
  const other = await sent(tokenOfBob);
  const command = (...args: string[]) =>
    runCommand(erase, ['--user', alice, ...args], { DATA_DIR, UPLOADS_DIR });
  expect((await command('--before', '2026-01-01')).stdout).not.toContain('deleted');
  expect(filesThere()).toBe(3);
  expect(await command()).toEqual({
    code: 0,
    stdout: `0 runs of ${DATA_DIR} made nobody's.\n2 uploads of ${UPLOADS_DIR} deleted.\n`,
    stderr: '',
  });
  expect(filesThere()).toBe(1);
  for (const id of [photo, plain])
    expect((await the.ask(tokenOfAlice, [image(id)])).body.error?.code).toBe('unknown_upload');
  expect((await the.ask(tokenOfBob, [image(other)])).status).toBe(200);
  expect((await command()).stdout).toContain('0 uploads of ');
  await sent(tokenOfAlice);
  expect((await the.call('DELETE', '/v1/uploads', tokenOfAlice)).status).toBe(204);
  await expect.poll(held, SOON).toBe(0);
});

it('erasing a user deletes what they sent from the Redis of all machines, or says that it is left', async () => {
  await using redis = await startRedis();
  const fleet = { REDIS_URL: redis.url, REDIS_PREFIX: 'school' };
  await using relay = await startRelay(fleet);
  for (const user of [1, 2]) {
    const headers = { 'content-type': 'image/png', 'content-length': String(png().length) };
    const token = await relay.token(user);
    const response = await fetch(`${relay.url}/v1/uploads`, {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${token}` },
      body: new Uint8Array(png()),
    });
    expect(response.status).toBe(201);
  }
  const command = () => runCommand(erase, ['--user', userId(1)], { DATA_DIR: relay.dataDir, ...fleet });
  expect((await command()).stdout).toContain('\n1 upload of Redis deleted.\n');
  expect(await redis.client.keys(`school:upload*${userId(1)}*`)).toEqual([]);
  expect(await redis.client.hkeys('school:uploads:sizes')).toEqual([expect.stringContaining(userId(2))]);
  expect(await redis.client.keys(`school:upload:${userId(2)}:*`)).toHaveLength(1);
  await redis.stop();
  const failed = await command();
  expect(failed.code).toBe(1);
  expect(failed.stdout).toContain("made nobody's.");
  expect(failed.stderr).toContain('the uploads in Redis are left: it cannot be asked (ECONNREFUSED');
});

const SILENCE_MS = 15_000;

/** Counts how often somebody begins to wait for that silence. */
class SilenceClock extends ManualClock {
  waits = 0;

  override after(ms: number, callback: () => void): Timer {
    if (ms === SILENCE_MS) this.waits += 1;
    return super.after(ms, callback);
  }
}

it('a file that comes slowly is waited for; one that falls silent is cut, and its room is free', async () => {
  const clock = new SilenceClock();
  const onFailed = (cause: unknown): never => {
    throw cause;
  };
  const limits = { files: 3, bytes: 1_000_000, totalBytes: 1_000_000 };
  const shelf = new MemoryShelf();
  const uploads = new Uploads({
    store: new LocalUploadStore({ shelf, limits, clock, keyOf: (user) => user, onFailed }),
    clock,
    ttlMs: 600_000,
    limits: { side: 8000, pages: 20 },
    isRevoked: () => false,
    onKept: () => {},
    onFailed,
  });
  const taken = { uploads, maxBytes: 1_000_000, takesDocuments: () => false };
  const { port, server } = await startServer({ clock, routes: { clock, uploads: taken } });
  const begin = async () => {
    const { waits } = clock;
    const raw = await openRaw(port);
    raw.send(
      `POST /v1/uploads HTTP/1.1\r\nHost: relay.example\r\nAuthorization: Bearer alice\r\nContent-Type: image/jpeg\r\nContent-Length: ${JPEG.length}\r\n\r\n`,
    );
    await expect.poll(() => clock.waits, SOON).toBe(waits + 1);
    return raw;
  };
  const slow = await begin();
  for (const [from, to] of [
    [0, 10],
    [10, 100],
    [100, JPEG.length],
  ]) {
    const { waits } = clock;
    clock.advance(SILENCE_MS - 1);
    slow.send(JPEG.subarray(from, to));
    if (to !== JPEG.length) await expect.poll(() => clock.waits, SOON).toBe(waits + 1);
  }
  await slow.until('"id"');
  expect(slow.text).toContain('HTTP/1.1 201 ');

  const silent = await begin();
  silent.send(JPEG.subarray(0, 100));
  await expect.poll(() => clock.waits, SOON).toBe(5 + 1);
  clock.advance(SILENCE_MS);
  expect(parseAnswer(await silent.untilClosed())).toMatchObject({
    status: 408,
    error: { code: 'request_timeout', retryable: true },
  });
  await expect.poll(() => server.bodyBytes, SOON).toBe(0);
  expect(uploads.held).toEqual({ files: 1, bytes: JPEG.length });
});

it('a machine that drains takes no file, and says so; what lies there can be taken back', async () => {
  const token = await tokenOf(randomUUID());
  const id = await sent(token);
  await the.relay.drain();
  const refused = await the.send(token, JPEG);
  expect([refused.status, refused.body.error?.code]).toEqual([503, 'shutting_down']);
  expect(await held()).toBe(1);
  expect((await the.call('DELETE', `/v1/uploads/${id}`, token)).status).toBe(204);
  expect(await held()).toBe(0);
});
