/** What the API says of the models in use, as clients and operators of a whole relay see it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ask, type ChatBody } from '../support/http-doors.ts';
import { type ComposedRelay, startRelay, upstreamAt } from '../support/relay-process.ts';
import { SSE_HEADERS, wholeMessage } from '../upstream/message-script.ts';
import { type ModelResponse, startModelServer } from '../upstream/model-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'model-list-'));
afterAll(() => rmSync(directory, { recursive: true }));
const ACTIONS_FILE = join(directory, 'actions.json');
const action = (settings: object) => ({ system: '', defaultMaxTokens: 100, maxTokens: 200, ...settings });
writeFileSync(
  ACTIONS_FILE,
  JSON.stringify({
    chat: action({ models: ['claude-sonnet-5-5', 'claude-haiku-5-5'] }),
    homework_help: action({ models: ['claude-opus-4-8'] }),
  }),
);
const LISTED = ['claude-sonnet-5-5', 'claude-haiku-5-5', 'claude-opus-4-8'];

function sayJson(response: ModelResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** A relay before an API whose list has these models as retired; `asked` are the models of its questions. */
async function relayBefore(list: (response: ModelResponse) => void) {
  const asked: string[] = [];
  const server = await startModelServer('http', (response, call, { method }) => {
    if (method === 'GET') return list(response);
    asked.push((JSON.parse(server.requests[call]?.body ?? '') as { readonly model: string }).model);
    response.writeHead(200, SSE_HEADERS);
    response.end(wholeMessage('all'));
  });
  const relay = await startRelay({ ...upstreamAt(server.baseURL), ACTIONS_FILE, LOG_LEVEL: 'info' });
  return {
    relay,
    asked,
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

const withRetired =
  (...retired: readonly string[]) =>
  (response: ModelResponse): void => {
    const data = LISTED.map((id) => ({ id, lifecycle: retired.includes(id) ? 'retired' : 'active' }));
    sayJson(response, 200, { data, has_more: false });
  };

async function readiness(relay: ComposedRelay) {
  const { status, body } = await ask(`${relay.url}/readyz`);
  const { switches, ...said } = JSON.parse(body) as {
    readonly switches: object;
    readonly models?: readonly object[];
  };
  expect(switches).toBeTypeOf('object');
  return { httpStatus: status, ...said };
}

async function chat(relay: ComposedRelay, fields: Partial<ChatBody>) {
  const body = { action: 'chat', messages: [{ role: 'user', content: 'Hi' }], ...fields };
  const answer = await ask(`${relay.url}/v1/chat`, { method: 'POST', token: await relay.token(), body });
  return { status: answer.status, ...(JSON.parse(answer.body) as object) };
}

it('a model that the API calls retired is refused by name, and the action’s next one answers', async () => {
  await using started = await relayBefore(withRetired('claude-sonnet-5-5', 'claude-opus-4-8'));
  const { relay, asked } = started;
  await relay.logged(
    'a model in use is retired: it is asked no more, and who names it is refused; name another',
    2,
  );
  expect(await readiness(relay)).toEqual({
    httpStatus: 200,
    status: 'ready',
    dependencies: { account: 'up' },
    models: [
      { model: 'claude-sonnet-5-5', state: 'retired' },
      { model: 'claude-opus-4-8', state: 'retired' },
    ],
  });
  const notAllowed = (message: string) => ({ status: 403, error: { code: 'model_not_allowed', message } });
  expect(await chat(relay, { model: 'claude-sonnet-5-5' })).toMatchObject(
    notAllowed('model: claude-sonnet-5-5 is retired; leave it out for the default'),
  );
  expect(await chat(relay, { action: 'homework_help' })).toMatchObject(
    notAllowed('model: every model of this action is retired'),
  );
  expect(await chat(relay, {})).toMatchObject({ status: 200 });
  expect(asked).toEqual(['claude-haiku-5-5']);
  const { body } = await ask(`${relay.url}/metrics`);
  expect(body).toContain('\ndash_models_retired 2\n');
  expect(body).toContain('\ndash_models_differs 0\n');
});

it('nothing is reported where the API says the same as the file', async () => {
  await using started = await relayBefore(withRetired());
  expect(await readiness(started.relay)).toEqual({
    httpStatus: 200,
    status: 'ready',
    dependencies: { account: 'up' },
  });
  expect(await chat(started.relay, {})).toMatchObject({ status: 200 });
  expect(started.asked).toEqual(['claude-sonnet-5-5']);
});

it('a list that never comes holds up neither the start nor /readyz nor an answer', async () => {
  // Of what is asked at the start only the account is answered.
  let gets = 0;
  await using started = await relayBefore((response) => {
    gets += 1;
    if (gets === 1)
      sayJson(response, 404, { type: 'error', error: { type: 'not_found_error', message: '' } });
  });
  expect(await readiness(started.relay)).toMatchObject({ httpStatus: 200, status: 'ready' });
  expect(await chat(started.relay, {})).toMatchObject({ status: 200 });
});

it('a gateway without a list is one line of the log', async () => {
  const none = { type: 'error', error: { type: 'not_found_error', message: 'canary' } };
  await using started = await relayBefore((response) => sayJson(response, 404, none));
  const { relay } = started;
  const [line] = await relay.logged(
    "the API's list of models cannot be had: models are known by the models file alone",
  );
  expect(line).toMatchObject({ level: 'info', kind: 'denied', status: 404 });
  expect(await readiness(relay)).toMatchObject({ httpStatus: 200, status: 'ready' });
  expect(relay.logLines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  expect(relay.logText.join('')).not.toContain('canary');
});
