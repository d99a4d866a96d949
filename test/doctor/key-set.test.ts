/** What the doctor says of key sets over real HTTP, and of the clock beside their date. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { checkKeySet } from '../../src/doctor/checks/key-set.ts';
import { createSigningKey } from '../support/token-mint.ts';
import { NEVER, said, settingsOf } from './said.ts';

const SECRET = 'a-legacy-project-secret-of-40-characters';
const KEYS = { keys: [createSigningKey('ES256').jwk, createSigningKey('RS256').jwk] };

interface Answer {
  readonly status?: number;
  readonly body?: string;
  /** By how much the date of the answer is before this machine's, ms. */
  readonly behindMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

async function lines(answer: Answer, more: Record<string, string> = {}): Promise<string[]> {
  const { status = 200, body = JSON.stringify(KEYS), behindMs = 0, headers = {} } = answer;
  const server = createServer((_request, response) => {
    response.writeHead(status, { date: new Date(Date.now() - behindMs).toUTCString(), ...headers });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const SUPABASE_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return said(await checkKeySet(settingsOf({ SUPABASE_URL, ...more }).config, NEVER));
}

it('says which signatures are taken', async () => {
  expect(await lines({})).toEqual([
    expect.stringMatching(/^ok key set: 2 keys in \d+ ms; tokens may be ES256, RS256$/),
    "ok clock: agrees with the auth server's",
  ]);
  const [keys] = await lines({}, { SUPABASE_JWT_SECRET: SECRET });
  expect(keys).toMatch(/ES256, RS256, HS256 by SUPABASE_JWT_SECRET$/);
});

it.each([
  [{ status: 404 }, /^fix key set: the answer is 404 and not 200/],
  [{ status: 302, headers: { location: 'https://elsewhere.test/' } }, /^fix key set: the answer is 302/],
  [{ body: '<html>' }, /^fix key set: the answer is no key set/],
  [{ body: '[]' }, /^fix key set: the answer is no key set/],
  [{ body: '{"keys":[]}' }, /^fix key set: has no key that can be used.*set SUPABASE_JWT_SECRET/],
] as const)('%j', async (answer, words) => {
  expect((await lines(answer))[0]).toMatch(words);
});

it('without a key, but with the secret of a legacy project, is as it should be there', async () => {
  const [keys] = await lines({ body: '{"keys":[]}' }, { SUPABASE_JWT_SECRET: SECRET });
  expect(keys).toMatch(
    /^note key set: has no key that can be used, so tokens are verified by SUPABASE_JWT_SECRET/,
  );
});

it.each([
  [
    60_000,
    /^fix clock: (59|60) s ahead of the auth server's: tokens count as expired too early; have it set/,
  ],
  [-60_000, /^fix clock: (59|60) s after the auth server's: new tokens are refused at first/],
  [4500, /^note clock: [345] s ahead of the auth server's: tokens are taken up to 5 s/],
])('a clock that is off by %d ms', async (behindMs, words) => {
  expect((await lines({ behindMs }))[1]).toMatch(words);
});

it('counts the age that a cache adds to the date', async () => {
  const [, clock] = await lines({ behindMs: 600_000, headers: { age: '600' } });
  expect(clock).toBe("ok clock: agrees with the auth server's");
});

it('says where nobody answers, and where nothing is to be asked', async () => {
  const nobody = settingsOf({ SUPABASE_URL: 'http://127.0.0.1:1' }).config;
  expect(said(await checkKeySet(nobody, NEVER))).toEqual([
    expect.stringMatching(/^fix key set: nobody answers \((ECONNREFUSED|TypeError|Error|no answer)\)/),
  ]);
  const own = settingsOf({}).config;
  expect(said(await checkKeySet(own, NEVER))).toEqual([
    expect.stringMatching(/^note SUPABASE_URL: is not set/),
  ]);
});
