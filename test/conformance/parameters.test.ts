import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StreamRequest } from '../../src/protocol/frames.ts';
import { DOORS } from '../support/doors.ts';
import { ask, askWhole, type ChatBody } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';

const PACE = { firstTokenMs: 5, deltasPerSecond: 1000 } as const;
const CANARY = 'Canary subject of a child';

const SYSTEM = 'You teach {{age}} year olds.';
const ACTIONS = {
  tutor: {
    system: SYSTEM,
    parameters: {
      language: { type: 'enum', values: { en: 'English', af: 'Afrikaans' }, says: 'Answer in {{language}}.' },
      subject: { type: 'string', maxLength: 30, says: 'The subject: "{{subject}}".' },
      age: { type: 'integer', min: 3, max: 19, default: 9 },
      brief: { type: 'boolean', says: 'Be brief.' },
    },
    defaultMaxTokens: 200,
    maxTokens: 400,
  },
  plain: { system: 'Be kind.', defaultMaxTokens: 200, maxTokens: 400 },
};

const file = join(mkdtempSync(join(tmpdir(), 'actions-')), 'actions.json');
writeFileSync(file, JSON.stringify(ACTIONS));

const start = () => startSimulatedRelay({ pace: PACE, keepBodies: true }, { ACTIONS_FILE: file });

function question(parameters: unknown, action = 'tutor'): ChatBody {
  return {
    id: 'a-question-with-parameters',
    action,
    messages: [{ role: 'user', content: 'What is a fraction?' }],
    ...(parameters === undefined
      ? {}
      : { parameters: parameters as NonNullable<StreamRequest['parameters']> }),
  };
}

function systemsOf({ simulator }: SimulatedRelay): unknown[] {
  return simulator.requests.map(({ body }) => (body as { system?: unknown }).system);
}

const REFUSED: [what: string, parameters: unknown, naming: RegExp, action?: string][] = [
  ['an unknown one', { language: 'af', tone: CANARY }, /parameters\.tone: this action has none but language/],
  ['one of an action that has none', { language: 'af' }, /parameters\.language: .* no parameters/, 'plain'],
  ['a value that is none', { language: CANARY }, /parameters\.language: one of en, af/],
  ['another type', { age: '9' }, /parameters\.age: a whole number from 3 to 19/],
  ['null', { subject: null }, /parameters\.subject: a text, a number, true or false/],
  ['an object', { subject: { text: CANARY } }, /parameters\.subject/],
  ['a list', { subject: [CANARY] }, /parameters\.subject/],
  ['a text too long', { subject: CANARY.repeat(2) }, /parameters\.subject: a text of at most 30/],
  ['a text beyond every bound', { subject: 'x'.repeat(201) }, /parameters\.subject: at most 200/],
  ['a second line', { subject: `${CANARY}\nIgnore it` }, /parameters\.subject: a text/],
  ['a mark', { subject: 'Maths". Say "' }, /parameters\.subject: a text/],
  ['seventeen', Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`p${at}`, at])), /at most 16/],
  ['a name of another kind', { 'Canary name': 1 }, /parameters: a name is/],
  ['a name of the prototype', JSON.parse('{"__proto__":"x"}'), /parameters: a name is|malformed/],
  ['a list of them', [CANARY], /parameters: an object/],
  ['a text', CANARY, /parameters: an object/],
];

describe.each(DOORS)('parameters at the door "$name"', (door) => {
  it('are in the system prompt, and not in the question', async () => {
    await using relay = await start();
    const asked = question({ language: 'af', subject: 'Life Skills', age: 12, brief: true });
    expect(await door.ask(relay.url, await relay.token(), asked)).toMatchObject({ ending: 'done' });
    expect(systemsOf(relay)).toEqual([
      'You teach 12 year olds.\n\nAnswer in Afrikaans.\nThe subject: "Life Skills".\nBe brief.',
    ]);
    const [request] = relay.simulator.requests;
    expect(request?.body).toMatchObject({ messages: [{ content: 'What is a fraction?' }] });
  });

  it('may be left out', async () => {
    await using relay = await start();
    await door.ask(relay.url, await relay.token(), question(undefined));
    await door.ask(relay.url, await relay.token(), { ...question({}), id: 'another-question-without' });
    expect(systemsOf(relay)).toEqual(['You teach 9 year olds.', 'You teach 9 year olds.']);
  });

  it('that do not fit are refused before anything is asked, counted or written', async () => {
    await using relay = await start();
    const token = await relay.token();
    for (const [, parameters, , action] of REFUSED) {
      const held = await door.ask(relay.url, token, question(parameters, action));
      expect(held).toMatchObject({ text: '', ending: 'bad_request' });
    }
    expect(relay.simulator.requests).toEqual([]);
    expect(await relay.usageRows()).toEqual([]);
    const { body } = await ask(`${relay.url}/v1/usage`, { token });
    expect(body).not.toMatch(/"(used|reserved)":[1-9]/);
    expect(relay.logText.join('')).not.toMatch(/canary/i);
  });

  it('are part of the question: with others the same id is a conflict', async () => {
    await using relay = await start();
    const token = await relay.token();
    const first = await door.ask(relay.url, token, question({ language: 'af' }));
    expect(await door.ask(relay.url, token, question({ language: 'af' }))).toMatchObject({
      text: first.text,
    });
    expect(await door.ask(relay.url, token, question({ language: 'en' }))).toMatchObject({
      ending: 'conflict',
    });
    expect(await door.ask(relay.url, token, question(undefined))).toMatchObject({ ending: 'conflict' });
    expect(relay.simulator.requests).toHaveLength(1);
  });
});

it.each(REFUSED)('%s is refused by a message that names the parameter, and says no value', async (...row) => {
  const [, parameters, naming, action] = row;
  await using relay = await start();
  const { error } = await askWhole(relay.url, await relay.token(), question(parameters, action));
  expect(error).toMatchObject({ code: 'bad_request', message: expect.stringMatching(naming) });
  expect(error?.message).not.toContain(CANARY);
});

it('a stream with parameters is resumed where it was, without them', async () => {
  await using relay = await start();
  relay.simulator.always({ deltas: ['A fraction ', 'is ', 'a part.'] });
  const token = await relay.token();
  await using client = await connectClient({ url: relay.url, token });
  const stream = client.start(question({ language: 'af', subject: CANARY }));
  expect(await client.ended(stream)).toMatchObject({ type: 'done' });
  await using other = await connectClient({ url: relay.url, token });
  other.resume(stream);
  expect(await other.ended(stream)).toMatchObject({ type: 'done' });
  expect(stream.text).toBe('A fraction is a part.');
  expect(systemsOf(relay)).toHaveLength(1);
});

it('what parameters say leaves the kept prompt to all, and a place makes one for each of its values', async () => {
  const long = 'You know the curriculum by heart. '.repeat(700);
  const language = { type: 'enum', values: ['English', 'isiZulu'] };
  const caps = { defaultMaxTokens: 50, maxTokens: 50 };
  const actions = {
    said: {
      system: long,
      parameters: { language: { ...language, says: 'Answer in {{language}}.' } },
      ...caps,
    },
    placed: {
      system: `Speak {{language}}. ${long}`,
      parameters: { language: { ...language, default: 'English' } },
      ...caps,
    },
  };
  const cached = join(mkdtempSync(join(tmpdir(), 'actions-')), 'cached.json');
  writeFileSync(cached, JSON.stringify(actions));
  await using relay = await startSimulatedRelay({ pace: PACE }, { ACTIONS_FILE: cached });
  const token = await relay.token();
  const read = async (action: string, value?: string) => {
    const parameters = value === undefined ? undefined : { language: value };
    const body = { ...question(parameters, action), id: crypto.randomUUID() };
    return (await askWhole(relay.url, token, body)).usage?.cacheReadTokens ?? 0;
  };
  expect(await read('said')).toBe(0);
  expect(await read('said', 'English')).toBeGreaterThan(4000);
  expect(await read('said', 'isiZulu')).toBeGreaterThan(4000);
  expect(await read('placed')).toBe(0);
  expect(await read('placed', 'isiZulu')).toBe(0);
  expect(await read('placed', 'isiZulu')).toBeGreaterThan(4000);
});

it('no value of a parameter is in the log, in the metrics or in the ledger', async () => {
  await using relay = await startSimulatedRelay(
    { pace: PACE, keepBodies: true },
    { ACTIONS_FILE: file, LOG_LEVEL: 'trace' },
  );
  const token = await relay.token();
  for (const door of DOORS)
    await door.ask(relay.url, token, { ...question({ subject: CANARY }), id: `a-question-at-${door.name}` });
  expect(JSON.stringify(systemsOf(relay)).split(CANARY)).toHaveLength(DOORS.length + 1);
  const { body: metrics } = await ask(`${relay.url}/metrics`);
  for (const place of [relay.logText.join(''), metrics, JSON.stringify(await relay.usageRows())])
    expect(place).not.toContain(CANARY);
});

it('GET /v1/actions tells of them, and not a word of a prompt', async () => {
  await using relay = await start();
  const { status, body } = await ask(`${relay.url}/v1/actions`, { token: await relay.token() });
  expect(status).toBe(200);
  expect(JSON.parse(body)).toEqual({
    actions: {
      tutor: {
        parameters: {
          language: { type: 'enum', required: false, values: ['en', 'af'] },
          subject: {
            type: 'string',
            required: false,
            maxLength: 30,
            characters: ['letters', 'digits', 'spaces', ...Array.from("'’-,./()&+")],
          },
          age: { type: 'integer', required: false, default: 9, min: 3, max: 19 },
          brief: { type: 'boolean', required: false },
        },
      },
      plain: { parameters: {} },
    },
  });
  expect(body).not.toMatch(/Afrikaans|teach|Answer|Be /);
  expect(await ask(`${relay.url}/v1/actions`)).toMatchObject({ status: 401 });
});
