/** Refusals at every door: each is counted by door and reason, and a flood of them leaves a few lines. */
import { expect, it } from 'vitest';
import { ask } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import { type ComposedRelay, startRelay } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';

const MESSAGES = [{ role: 'user' as const, content: 'A canary sings: xyzzy-plugh.' }];
const BODY = { action: 'chat', messages: MESSAGES };
const HANDSHAKE = {
  connection: 'upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'dash-relay.v1',
};
const DOORS: [door: string, of: string, method: string, path: string, headers?: Record<string, string>][] = [
  ['json', 'start', 'POST', '/v1/chat'],
  ['sse', 'start', 'POST', '/v1/chat', { accept: 'text/event-stream' }],
  ['sse', 'resume', 'GET', '/v1/streams/some-stream'],
  ['json', 'cancel', 'DELETE', '/v1/streams/some-stream'],
  ['ai_gateway', 'start', 'POST', '/functions/v1/ai-gateway'],
  ['session', 'request', 'GET', '/v1/session'],
  ['usage', 'request', 'GET', '/v1/usage'],
  ['config', 'request', 'GET', '/v1/config'],
  ['websocket', 'upgrade', 'GET', '/v1/ws', HANDSHAKE],
];
const FLOOD = 60;

async function refusals(relay: ComposedRelay): Promise<Record<string, number>> {
  const text = (await ask(`${relay.url}/metrics`)).body;
  const series = text.matchAll(
    /^dash_refusals_total\{door="(\w+)",of="(\w+)",code="(\w+)",reason="(\w+)"\} (\d+)$/gm,
  );
  return Object.fromEntries(
    [...series].map(([, door, of, code, reason, n]) => [`${door} ${of} ${code} ${reason}`, Number(n)]),
  );
}

function lines(relay: ComposedRelay, msg: string) {
  return relay.logLines.filter((line) => line.msg === msg && line['level'] !== 'debug');
}

it.each([...DOORS])('bad tokens at the door %s (%s)', async (door, of, method, path, headers = {}) => {
  await using relay = await startRelay();
  const question = { method, headers, ...(method === 'POST' ? { body: BODY } : {}) };
  const flood = (token?: string) =>
    Promise.all(
      Array.from({ length: FLOOD }, () =>
        ask(`${relay.url}${path}`, token === undefined ? question : { ...question, token }),
      ),
    );
  const answers = [...(await flood('not-a-token')), ...(await flood())];
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
  expect(await refusals(relay)).toEqual({
    [`${door} ${of} unauthorized malformed`]: FLOOD,
    [`${door} ${of} unauthorized token_missing`]: FLOOD,
  });
  expect(lines(relay, 'refused')).toHaveLength(10);
  await relay.close();
  expect(
    lines(relay, 'refused: more of them').map(({ door: of, reason, suppressed }) => [of, reason, suppressed]),
  ).toEqual([
    [door, 'malformed', FLOOD - 5],
    [door, 'token_missing', FLOOD - 5],
  ]);
});

it('one client over its rate is a few lines, whatever it sends', async () => {
  await using relay = await startRelay({ STARTS_PER_MINUTE: '1' });
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  await client.ended(client.start(BODY));
  for (let count = 0; count < 300; count += 1) client.send({ type: 'start', id: `over-${count}`, ...BODY });
  for (let count = 0; count < 100; count += 1) client.send({ type: 'cancel', id: `absent-${count}` });
  await eventually('all refused', async () => {
    const counted = await refusals(relay);
    return (
      counted['websocket start rate_limited starts_of_user'] === 300 &&
      counted['websocket cancel unknown_stream unknown_stream'] === 100
    );
  });
  expect(lines(relay, 'refused')).toHaveLength(10);
});

it('what is no HTTP, no route and no body of ours is counted as well', async () => {
  await using relay = await startRelay();
  const token = await relay.token();
  await ask(`${relay.url}/wp-login.php`);
  await ask(`${relay.url}/v1/chat`, { method: 'PUT', token });
  await ask(`${relay.url}/v1/chat`, { method: 'POST', token, body: '{' });
  await ask(`${relay.url}/v1/chat`, { method: 'POST', token, body: { action: 'nope', messages: MESSAGES } });
  await ask(`${relay.url}/v1/ws`, { token });
  expect(await refusals(relay)).toEqual({
    'http request not_found not_found': 1,
    'http request method_not_allowed method_not_allowed': 1,
    'json start bad_request bad_request': 1,
    'json start unknown_action unknown_action': 1,
    'http request upgrade_required upgrade_required': 1,
  });
});
