/** Files of an operator's: whatever is in them, they are used whole, or refused by a sentence that names file and place. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadActions } from '../../../src/config/actions.ts';
import { switchesOfFile, switchesOfFleet } from '../../../src/config/switches.ts';
import { loadMirror } from '../../../src/mirror/definition.ts';
import { ModelTable } from '../../../src/models/model-table.ts';
import { loadPrices } from '../../../src/pricing/prices.ts';
import { loadPlans } from '../../../src/quota/plans.ts';
import type { FuzzSubject, FuzzTarget } from '../fuzz-target.ts';
import { requireSentence } from '../refused.ts';

/** A file may have as many faults as it has fields, and each is told. */
const LONGEST_MESSAGE = 4 * 1024 * 1024;

const shipped = (name: string): string =>
  readFileSync(new URL(`../../../config/${name}.json`, import.meta.url), 'utf8');
const json = (value: unknown): string => JSON.stringify(value, null, 2);

const plansOptions = {
  defaults: { streams: 32, startsPerMinute: 60 },
  overrides: {},
  onUnknownTier: () => {},
};

const LOADERS: Readonly<Record<string, (file: string) => unknown>> = {
  actions: loadActions,
  plans: (file) => loadPlans({ file, ...plansOptions }),
  price: loadPrices,
  models: (file) => ModelTable.load(file),
  mirror: loadMirror,
  switches: (file) => switchesOfFile({ SWITCHES_FILE: file }),
};

const price = { input: '3', output: '15', cacheWrite5m: '3.75', cacheWrite1h: '6', cacheRead: '0.30' };
const CORPUS = [
  json({
    chat: {
      system: 'Be kind to {{name}}.',
      parameters: { name: { type: 'string', maxLength: 20 } },
      defaultMaxTokens: 10,
      maxTokens: 20,
    },
  }),
  json({
    grade: {
      system: 'Grade {{grade}}, {{subject}}.',
      parameters: {
        grade: { type: 'integer', min: 1, max: 12, default: 4 },
        subject: { type: 'enum', values: { maths: 'mathematics', art: 'art' }, required: true },
      },
      defaultMaxTokens: 10,
      maxTokens: 20,
      thinking: { effort: 'low', display: 'summarized' },
      outputFormat: {
        type: 'json_schema',
        schema: {
          type: 'object',
          properties: { a: { type: 'string' } },
          required: ['a'],
          additionalProperties: false,
        },
      },
      tools: [
        {
          name: 'look_up',
          description: 'Looks up.',
          url: 'https://tools.example/look-up',
          inputSchema: {
            type: 'object',
            properties: { q: { type: 'string', enum: ['a', 'b'] } },
            required: ['q'],
            additionalProperties: false,
          },
          sends: ['tier'],
        },
      ],
      allEvents: true,
    },
  }),
  json({
    plans: {
      free: { requestsPerActionPerMonth: { chat: 50, '*': 10 } },
      anonymous: { streams: 1 },
      pro: { tiers: ['pro', 'school_*'], user: { tokensPerDay: 1000 } },
    },
    spendingPerDayUsd: 10,
  }),
  json({
    version: '1',
    models: [
      {
        ids: ['a', 'b'],
        prices: [{ from: '2026-01-01', tiers: [{ maxPromptTokens: 200000, ...price }, price] }],
      },
    ],
    multipliers: { speed: { fast: '1.5' } },
  }),
  json({ relayEnabled: true, streamingEnabled: false, websocketPercent: 50 }),
  json({
    table: 'public.ai_usage',
    columns: {
      user_id: 'user_id',
      kind: { value: 'chat' },
      status: { field: 'status', map: { done: 'ok' }, otherwise: 'failed' },
    },
    defaults: { kind: { a: [1] } },
    simulated: 'skip',
    counters: 'public.count',
  }),
  shipped('models').slice(0, 1500),
  ...['actions', 'plans', 'prices', 'models', 'mirror'].map(shipped),
];

export const settingsFiles: FuzzTarget = {
  name: 'settings files',
  corpus: CORPUS,
  words: [
    '"system": ',
    '{{',
    '}}',
    '"\\u0061"',
    '"a": 1, "a": 2',
    '"tiers": ["*"]',
    '"from": "2026-02-30"',
    '"1e3"',
  ],
  cases: 120,
  open,
};

function open(): FuzzSubject {
  const directory = mkdtempSync(join(tmpdir(), 'fuzz-'));
  const file = join(directory, 'settings.json');
  return {
    check(input) {
      writeFileSync(file, input);
      for (const [name, load] of Object.entries(LOADERS)) {
        const why = refusalOf(() => load(file));
        if (why === undefined) continue;
        assert.ok(why.startsWith(`unable to use the ${name} file ${file}: `), why.slice(0, 200));
        requireSentence(why, LONGEST_MESSAGE);
      }
      const fleet = refusalOf(() => switchesOfFleet({ relayEnabled: input, [input.slice(0, 40)]: '1' }));
      if (fleet !== undefined) requireSentence(fleet);
    },
    async [Symbol.asyncDispose]() {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function refusalOf(load: () => unknown): string | undefined {
  try {
    load();
    return undefined;
  } catch (error) {
    if (error instanceof Error && error.constructor === Error) return error.message;
    throw error;
  }
}
