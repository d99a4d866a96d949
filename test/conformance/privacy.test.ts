import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/time/clock.ts';
import { ask, askEvents, askWhole, type ChatBody } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import { startSimulatedRelay, type TestRelay } from '../support/relay-process.ts';
import { createSigningKey, TEST_ISSUER, TEST_SECRET, TokenMint } from '../support/token-mint.ts';
import { messageStart, streamedError, textDelta } from '../upstream/message-script.ts';

/** One word for each place a person's words can come in by. */
const CANARIES = {
  prompt: 'canary-in-the-prompt',
  block: 'canary-in-a-text-block',
  context: 'canary-in-the-context',
  contextKey: 'canaryKeyOfTheContext',
  name: 'Canary-Name-Of-A-Child',
  email: 'canary-email@school.example',
  answer: 'canary-in-the-answer',
  streamedError: 'canary-in-an-error-event',
  url: 'canary-in-the-url',
  badFrame: 'canary-in-a-bad-frame',
  badField: 'canaryFieldOfNobody',
  badToken: 'sb_secret_canaryOfAKey',
  header: 'canary-in-a-header',
} as const;

const LEGACY_PROJECT = {
  SUPABASE_JWT_SECRET: TEST_SECRET,
  SUPABASE_JWT_ISSUER: TEST_ISSUER,
  LOG_LEVEL: 'trace',
};

it('no word of a person is in the log, in the ledger or in the metrics, wherever it came in by', async () => {
  await using relay = await startSimulatedRelay({ keepBodies: true }, LEGACY_PROJECT);
  const mint = new TokenMint(systemClock, createSigningKey('HS256'), TEST_ISSUER);
  const token = mint.token({
    claims: {
      email: CANARIES.email,
      user_metadata: { full_name: CANARIES.name },
      app_metadata: { tier: 'enterprise' },
    },
  });
  await speak(relay, token, (body) => relay.simulator.script({ body }));

  const sent = JSON.stringify(relay.simulator.requests.map(({ body }) => body));
  for (const place of ['prompt', 'block', 'context', 'contextKey'] as const)
    expect(sent).toContain(CANARIES[place]);
  const rows = await relay.usageRows();
  expect(rows.map(({ streamId }) => streamId)).toContain('a-question-by-socket');
  const { body: metrics } = await ask(`${relay.url}/metrics`);
  expectNone(relay, metrics, token);
  await relay.close(); // the last pages of the ledger are written by now
  expectNone(relay, metrics, token);
});

/** Puts every word where it can come in, through every door. */
async function speak(relay: TestRelay, token: string, script: (body: string) => void): Promise<void> {
  const question = (id: string): ChatBody => ({
    id,
    action: 'chat',
    messages: [
      { role: 'user', content: CANARIES.prompt },
      { role: 'assistant', content: 'Go on.' },
      { role: 'user', content: [{ type: 'text', text: CANARIES.block }] },
    ],
    context: { [CANARIES.contextKey]: CANARIES.context },
  });
  const failing =
    messageStart() + textDelta(CANARIES.answer) + streamedError('api_error', CANARIES.streamedError);
  await using client = await connectClient({ url: relay.url, token });
  script(failing);
  const stream = client.start(question('a-question-by-socket'));
  expect(await client.ended(stream)).toMatchObject({ type: 'error', code: 'upstream_error' });
  expect(stream.text).toBe(CANARIES.answer);
  expect(JSON.stringify(client.answers)).not.toContain(CANARIES.streamedError);
  script(failing);
  await askEvents(relay.url, token, question('a-question-by-events'));
  script(failing);
  await askWhole(relay.url, token, question('a-question-by-json'));
  await misspeak(relay, token);
}

/** The same in what is refused. */
async function misspeak(relay: TestRelay, token: string): Promise<void> {
  await using client = await connectClient({ url: relay.url, token });
  for (const frame of [
    `{"${CANARIES.badFrame}`,
    { type: 'start', [CANARIES.badField]: CANARIES.prompt },
    { type: 'auth', token: CANARIES.badToken },
  ]) {
    const refused = client.next('error');
    client.send(frame);
    await refused;
  }
  const headers = {
    'user-agent': CANARIES.header,
    'x-forwarded-for': CANARIES.header,
    cookie: CANARIES.header,
  };
  await ask(`${relay.url}/v1/${CANARIES.url}?q=${CANARIES.url}`, { token, headers });
  await ask(`${relay.url}/v1/streams/${CANARIES.url}?token=${token}`, { token, headers });
  await ask(`${relay.url}/v1/session`, { token: CANARIES.badToken });
  await ask(`${relay.url}/v1/chat`, { method: 'POST', token, body: `"${CANARIES.badFrame}` });
  await expect(connectClient({ url: relay.url, token: CANARIES.badToken })).rejects.toThrow('401');
}

function expectNone({ logText, dataDir }: TestRelay, metrics: string, token: string): void {
  const files = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const places = [
    ['the log', logText.join('')],
    ['the metrics', metrics],
    ...files.map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name), 'latin1')] as const),
  ] as const;
  expect(places.length).toBeGreaterThan(2);
  const [, payload = '', signature = ''] = token.split('.');
  for (const [place, held] of places) {
    for (const word of [...Object.values(CANARIES), payload, signature]) {
      expect(held.includes(word), `${word} in ${place}`).toBe(false);
    }
  }
}
