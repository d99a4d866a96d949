/** What the API's list of models makes of those in use, hour by hour. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ModelFinding } from '../../src/models/model-findings.ts';
import { ModelTable } from '../../src/models/model-table.ts';
import { ModelWatch, type NoListing } from '../../src/models/model-watch.ts';
import type { AnthropicUpstream } from '../../src/upstream/anthropic.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  type Answer,
  type ModelResponse,
  type ModelServer,
  startModelServer,
} from '../upstream/model-server.ts';
import { upstreamTo } from '../upstream/recorded-call.ts';

const HOUR = 60 * 60_000;
const TABLE = ModelTable.load();
const IN_USE = new Map([
  ['claude-sonnet-5-5', ['DEFAULT_MODEL']],
  ['claude-haiku-5-5', ['ACTIONS_FILE chat.models', 'ACTIONS_FILE chat.fallback']],
  ['claude-haiku-4-5', ['PLANS_FILE free.settings.models']],
  ['claude-opus-4-8', []],
]);
const NOW = Date.UTC(2026, 10, 29, 12);

interface Entry {
  readonly id: string;
  readonly [field: string]: unknown;
}

/** As the API lists a model that is as the file has it. */
function entry(id: string, changed: object = {}): Entry {
  const facts = TABLE.find(id);
  if (facts === undefined) throw new Error(`no such model: ${id}`);
  const supported = (names: readonly string[], all: readonly string[]) =>
    Object.fromEntries(all.map((name) => [name, { supported: names.includes(name) }]));
  return {
    type: 'model',
    id,
    lifecycle: 'active',
    deprecated_at: null,
    retires_at: null,
    max_input_tokens: facts.contextTokens,
    max_tokens: facts.maxOutputTokens,
    capabilities: {
      thinking: {
        supported: true,
        types: supported(facts.thinking.types, ['adaptive', 'enabled', 'disabled', 'between_tools']),
      },
      effort: {
        supported: facts.effort !== null,
        ...supported(facts.effort?.levels ?? [], ['low', 'medium', 'high', 'xhigh', 'max']),
      },
    },
    ...changed,
  };
}

const ALL = [
  entry('claude-sonnet-5-5'),
  entry('claude-haiku-5-5'),
  entry('claude-haiku-4-5', { id: 'claude-haiku-4-5-20251001' }),
  entry('claude-opus-4-8'),
];
const without = (id: string) => ALL.filter((each) => each.id !== id);
const changed = (id: string, fields: object) => [...without(id), entry(id, fields)];

let server: ModelServer;
let upstream: AnthropicUpstream;
let clock: ManualClock;
let watch: ModelWatch;
let found: (readonly [ModelFinding, readonly string[]])[];
let resolved: string[];
let unlisted: NoListing[];
/** Of the requests. */
let paths: string[];
/** Read so far. */
let lists: number;

async function startWatch(answer: Answer): Promise<void> {
  clock = new ManualClock(NOW);
  [found, resolved, unlisted, lists] = [[], [], [], 0];
  paths = [];
  server = await startModelServer('http', (response, call, request) => {
    paths.push(request.url ?? '');
    answer(response, call, request);
  });
  upstream = upstreamTo(server, { clock });
  watch = new ModelWatch({
    table: TABLE,
    used: IN_USE,
    clock,
    async list() {
      const listing = await upstream.listModels();
      lists += 1;
      return listing;
    },
    onFinding: (finding, usedBy) => found.push([finding, usedBy]),
    onResolved: (model, state) => resolved.push(`${model} ${state}`),
    onUnlisted: (why) => unlisted.push(why),
  });
}

afterEach(async () => {
  watch.close();
  await upstream.close();
  await server.close();
});

function say(response: ModelResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

const page = (data: readonly unknown[]) => ({ data, has_more: false });

const REFUSAL = { type: 'error', error: { type: 'some_error', message: 'words of the account' } };

/** One list, or a status, for each time it is asked, the last one from then on; starts the watch and waits for the first. */
async function watchLists(...answers: readonly (readonly unknown[] | number)[]): Promise<void> {
  await startWatch((response, call) => {
    const answer = answers[Math.min(call, answers.length - 1)] ?? [];
    if (typeof answer === 'number') say(response, REFUSAL, answer);
    else say(response, page(answer));
  });
  watch.start();
  await answered();
}

/** Until so many lists, or what came in their place, have been read. */
async function answered(times = 1): Promise<void> {
  await expect.poll(() => lists).toBe(times);
}

async function nextHour(times: number): Promise<void> {
  clock.advance(HOUR);
  await answered(times);
}

const answers = (id: string): boolean => watch.answers(id, clock.now());
const states = () => found.map(([{ model, state }]) => `${model} ${state}`);
const RETIRED = { lifecycle: 'retired', retires_at: '2026-11-29T00:00:00Z' };

describe('the list of the API', () => {
  it('is asked for at the start and each hour, with retired models and with the key', async () => {
    await watchLists(ALL);
    await nextHour(2);
    await nextHour(3);
    expect(server.requests).toHaveLength(3);
    expect(server.requests[0]?.headers).toMatchObject({ authorization: 'Bearer test-key' });
    expect(decodeURIComponent(paths[0] ?? '')).toMatch(/^\/v1\/models\?.*lifecycle.*retired/);
    expect([found, resolved, unlisted, watch.findings]).toEqual([[], [], [], []]);
  });

  it('is asked for no more once the watch is closed, and what comes then is not told', async () => {
    const late = Promise.withResolvers<ModelResponse>();
    await startWatch((response) => late.resolve(response));
    watch.start();
    const response = await late.promise;
    watch.close();
    say(response, page(without('claude-sonnet-5-5')));
    await answered();
    clock.advance(2 * HOUR);
    expect([found, server.requests.length]).toEqual([[], 1]);
  });

  it('at hand is what other models, or others in use, are compared with, without asking anew', async () => {
    await watchLists(ALL);
    watch.use(TABLE, new Map([['claude-gone', ['ACTIONS_FILE chat.models']]]));
    expect(found).toEqual([[{ model: 'claude-gone', state: 'unlisted' }, ['ACTIONS_FILE chat.models']]]);
    watch.use(TABLE, IN_USE);
    expect([resolved, watch.findings, lists]).toEqual([['claude-gone unlisted'], [], 1]);
  });

  it('is read page by page', async () => {
    await startWatch((response, call) => {
      const last = ALL[call];
      say(response, { data: [last], has_more: call < ALL.length - 1, last_id: last?.id });
    });
    watch.start();
    await answered();
    expect(paths.map((path) => /after_id=([^&]+)/.exec(path)?.[1])).toEqual([
      undefined,
      ...ALL.slice(0, -1).map(({ id }) => id),
    ]);
    expect([found, unlisted]).toEqual([[], []]);
  });
});

describe('what is found', () => {
  it('a retired model answers nobody, is told once, and comes back when the API takes it back', async () => {
    const gone = changed('claude-haiku-5-5', RETIRED);
    await watchLists(ALL, gone, gone, ALL);
    expect(answers('claude-haiku-5-5')).toBe(true);
    await nextHour(2);
    expect(answers('claude-haiku-5-5')).toBe(false);
    expect(answers('claude-sonnet-5-5')).toBe(true);
    expect(found).toEqual([
      [{ model: 'claude-haiku-5-5', state: 'retired' }, IN_USE.get('claude-haiku-5-5')],
    ]);
    await nextHour(3);
    expect([found.length, watch.findings.length]).toEqual([1, 1]);
    await nextHour(4);
    expect(answers('claude-haiku-5-5')).toBe(true);
    expect([resolved, watch.findings]).toEqual([['claude-haiku-5-5 retired'], []]);
  });

  it('a deprecated model is told with its day, and again when that changes', async () => {
    const until = (day: string | null) =>
      changed('claude-haiku-5-5', { lifecycle: 'deprecated', retires_at: day && `${day}T00:00:00Z` });
    await watchLists(until(null), until('2027-01-22'), until('2027-01-22'), until('2027-03-01'));
    for (const times of [2, 3, 4]) await nextHour(times);
    expect(found.map(([finding]) => finding)).toEqual(
      [null, '2027-01-22', '2027-03-01'].map((retiresOn) => ({
        model: 'claude-haiku-5-5',
        state: 'deprecated',
        retiresOn,
      })),
    );
    expect(answers('claude-haiku-5-5')).toBe(true);
  });

  it('one that is overdue answers until the API calls it retired', async () => {
    await watchLists(
      changed('claude-haiku-5-5', { lifecycle: 'deprecated', retires_at: '2026-11-01T00:00:00Z' }),
    );
    expect(answers('claude-haiku-5-5')).toBe(true);
  });

  it('one that is not in the list is told, and asked all the same', async () => {
    await watchLists(without('claude-sonnet-5-5'));
    expect(states()).toEqual(['claude-sonnet-5-5 unlisted']);
    expect(answers('claude-sonnet-5-5')).toBe(true);
  });

  it('what differs from the file is told, both ways', async () => {
    const capabilities = {
      thinking: { supported: true, types: { adaptive: { supported: true }, disabled: { supported: true } } },
      effort: { supported: true, low: { supported: true }, high: { supported: true } },
    };
    await watchLists(
      changed('claude-sonnet-5-5', { max_tokens: 64_000, max_input_tokens: 200_000, capabilities }),
    );
    expect(found).toEqual([
      [
        {
          model: 'claude-sonnet-5-5',
          state: 'differs',
          differences: [
            { of: 'thinking', file: 'adaptive, between_tools', api: 'adaptive, disabled' },
            { of: 'effort', file: 'high, low, max, medium, xhigh', api: 'high, low' },
            { of: 'contextTokens', file: 1_000_000, api: 200_000 },
            { of: 'maxOutputTokens', file: 128_000, api: 64_000 },
          ],
        },
        ['DEFAULT_MODEL'],
      ],
    ]);
  });

  it('of a model that no setting names is told, and not reported', async () => {
    await watchLists(changed('claude-opus-4-8', RETIRED));
    expect(found).toEqual([[{ model: 'claude-opus-4-8', state: 'retired' }, []]]);
    expect(answers('claude-opus-4-8')).toBe(false);
    expect(watch.findings).toEqual([]);
  });

  it('a name without its date answers as long as one of its dates does', async () => {
    const old = entry('claude-haiku-4-5', { id: 'claude-haiku-4-5-20250901', ...RETIRED });
    await watchLists([old, ...ALL], [old, ...without('claude-haiku-4-5-20251001')]);
    expect(answers('claude-haiku-4-5')).toBe(true);
    await nextHour(2);
    expect(answers('claude-haiku-4-5')).toBe(false);
  });
});

describe('without a list', () => {
  it.each([403, 404, 405, 501])('%d is one line and no more, and the models answer', async (status) => {
    await watchLists(status);
    await nextHour(2);
    await nextHour(3);
    expect(unlisted).toEqual([{ kind: 'denied', status }]);
    expect([found, answers('claude-sonnet-5-5')]).toEqual([[], true]);
  });

  it('a list that may not be had any more counts no more; one that fails for once does', async () => {
    const gone = changed('claude-haiku-5-5', RETIRED);
    await watchLists(gone, 500, 403);
    await nextHour(2);
    expect(answers('claude-haiku-5-5')).toBe(false);
    await nextHour(3);
    expect(answers('claude-haiku-5-5')).toBe(true);
    expect(unlisted).toEqual([
      { kind: 'failed', reason: 'refused', status: 500 },
      { kind: 'denied', status: 403 },
    ]);
  });

  it('one that fails again after a list is told again', async () => {
    await watchLists(500, ALL, 500);
    await nextHour(2);
    await nextHour(3);
    expect(unlisted).toHaveLength(2);
  });

  const models = (count: number) => Array.from({ length: count }, (_, n) => ({ id: `model-${n}` }));
  it.each<[string, string, unknown]>([
    ['no JSON', 'malformed', '<html>'],
    ['no list', 'malformed', { data: 'models' }],
    ['null', 'malformed', null],
    [
      'a list of no models',
      'empty',
      page([null, 1, 'claude-sonnet-5-5', { id: 7 }, { id: 'x'.repeat(500) }]),
    ],
    ['an empty one', 'empty', page([])],
    ['a huge one', 'incomplete', page(models(100_000))],
    ['brackets of a million', 'malformed', `{"data":${'['.repeat(500_000)}`],
    ['values without end', 'malformed', `{"data":[${'0,'.repeat(400_000)}0]}`],
    ['pages that go on at the same model', 'endless', { data: [ALL[0]], has_more: true, last_id: 'same' }],
    ['a next page of no name', 'malformed', { data: ALL, has_more: true, last_id: '../../x?' }],
  ])('%s is none', async (_, reason, body) => {
    await startWatch((response) => say(response, body));
    watch.start();
    await answered();
    expect(unlisted).toEqual([{ kind: 'failed', reason, status: 200 }]);
    expect([found, answers('claude-sonnet-5-5')]).toEqual([[], true]);
  });

  it('pages without end are left after ten', async () => {
    await startWatch((response, call) =>
      say(response, { data: ALL, has_more: true, last_id: `model-${call}` }),
    );
    watch.start();
    await answered();
    expect(unlisted).toEqual([{ kind: 'failed', reason: 'endless', status: 200 }]);
    expect(server.requests).toHaveLength(10);
  });

  it('a slow one is given up after ten seconds, and its request closed', async () => {
    const begun = Promise.withResolvers<void>();
    await startWatch((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"data":[');
      begun.resolve();
    });
    watch.start();
    await begun.promise;
    await expect.poll(() => clock.pending).toBeGreaterThan(1);
    clock.advance(10_000);
    await answered();
    await server.idle();
    expect(unlisted).toMatchObject([{ kind: 'failed' }]);
  });

  it('nobody who answers is told, and the next hour asked again', async () => {
    await startWatch((response) => say(response, page(ALL)));
    await server.close();
    watch.start();
    await answered();
    expect(unlisted).toEqual([{ kind: 'failed', reason: 'unreachable', status: 0 }]);
    await nextHour(2);
    expect(unlisted).toHaveLength(1);
  });

  it('fields that are not understood are as if they were absent', async () => {
    const odd = { lifecycle: 'asleep', retires_at: 'soon', max_tokens: -1, max_input_tokens: '1M' };
    await watchLists(changed('claude-sonnet-5-5', { ...odd, capabilities: { thinking: 3, effort: [] } }));
    expect([found, unlisted, answers('claude-sonnet-5-5')]).toEqual([[], [], true]);
  });
});

it('what the file says of its models is told where there is no list', async () => {
  await startWatch((response) => say(response, REFUSAL, 404));
  const used = new Map([['claude-opus-4-5', ['DEFAULT_MODEL']]]);
  const told: ModelFinding[] = [];
  const ofFile = new ModelWatch({
    table: TABLE,
    used,
    clock,
    list: () => upstream.listModels(),
    onFinding: (finding) => told.push(finding),
    onResolved() {},
    onUnlisted() {},
  });
  ofFile.start();
  const deprecated = { model: 'claude-opus-4-5', state: 'deprecated', retiresOn: '2027-01-22' };
  await expect.poll(() => told).toEqual([deprecated]);
  ofFile.close();
});
