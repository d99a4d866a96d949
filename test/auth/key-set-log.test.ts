/** What the log says of a key set that is of no use: what to do, and nothing of what the issuer answered. */
import { expect, it, onTestFinished } from 'vitest';
import { startRelay } from '../support/relay-process.ts';
import { KEY_SET_FAULTS, type KeySetAnswer, KeySetServer } from '../support/token-mint.ts';

it.each<[name: string, answer: KeySetAnswer, hint: RegExp]>([
  ['a project with a shared secret', KEY_SET_FAULTS.empty, /^no usable key: .*SUPABASE_JWT_SECRET$/],
  ['a page of somebody else', (response) => response.end('<html>its words</html>'), /^not JSON$/],
  ['an error', KEY_SET_FAULTS.fail, /^status 500$/],
])('%s', async (_name, answer, hint) => {
  const server = await new KeySetServer().listen();
  onTestFinished(() => server.close());
  server.answer(answer);
  await using relay = await startRelay({ SUPABASE_URL: server.origin, DASH_DEVELOPMENT: '1' });
  const [line] = await relay.logged('key set not loaded');
  expect(line).toMatchObject({ level: 'warn', hint: expect.stringMatching(hint) });
  expect(relay.logText.join('')).not.toContain('its words');
});
