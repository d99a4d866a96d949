import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../../src/config/environment.ts';
import { readConfigFiles } from '../../src/config/files.ts';
import { TOOLS_SECRET } from '../tools/tool-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'tools-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const SCHEMA = {
  type: 'object',
  properties: { topic: { type: 'string' } },
  required: ['topic'],
  additionalProperties: false,
};
const TOOL = {
  name: 'look_up',
  description: 'Looks something up.',
  inputSchema: SCHEMA,
  url: 'https://tools.example.com/look-up',
};

function read(settings: object, environment: object = { TOOLS_SECRET }) {
  const file = join(directory, 'actions.json');
  const chat = { system: '', defaultMaxTokens: 100, maxTokens: 200, ...settings };
  writeFileSync(file, JSON.stringify({ chat }));
  const config = readConfig({ DATA_DIR: directory, ACTIONS_FILE: file, ...environment });
  return readConfigFiles(config, Date.parse('2026-12-01'), () => {});
}

function problem(settings: object, environment?: object): string {
  try {
    read(settings, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join('\n');
    throw error;
  }
  return '';
}

it('reads a tool with what is usual where nothing is said', () => {
  const [tool] = read({ tools: [TOOL] }).actions.get('chat')?.tools ?? [];
  expect(tool).toMatchObject({ ...TOOL, timeoutMs: 10_000, sends: [] });
  expect(tool?.input.safeParse({ topic: 'a' }).success).toBe(true);
  expect(tool?.input.safeParse({ topic: 'a', more: 1 }).success).toBe(false);
});

const properties = (properties: object, more: object = {}) => ({
  inputSchema: { ...SCHEMA, required: [], properties, ...more },
});

it('checks inputs by what people write, wherever definitions stand and whoever made an id', () => {
  const ID = { type: 'string', format: 'uuid' };
  const $schema = 'http://json-schema.org/draft-07/schema#';
  for (const more of [{ $defs: { ID } }, { definitions: { ID } }, { $schema, $defs: { ID } }]) {
    const [place] = Object.keys(more).filter((key) => key !== '$schema');
    const { inputSchema } = properties({ id: { $ref: `#/${place}/ID` }, topic: { type: 'string' } }, more);
    const [tool] = read({ tools: [{ ...TOOL, inputSchema }] }).actions.get('chat')?.tools ?? [];
    expect(tool?.inputSchema).toEqual(inputSchema);
    const fits = (id: unknown) => tool?.input.safeParse({ id }).success;
    expect(fits('00000000-0000-0000-0000-000000000001')).toBe(true);
    expect(fits('123E4567-e89b-12d3-a456-426614174000')).toBe(true);
    expect(fits('123E4567-e89b-12d3-a456-42661417400')).toBe(false);
    expect(fits(1)).toBe(false);
  }
});

it('leaves the slash at the end of an address', () => {
  const url = 'https://tools.example.com/look-up/';
  expect(read({ tools: [{ ...TOOL, url }] }).actions.get('chat')?.tools?.[0]?.url).toBe(url);
});

it.each([['http://127.0.0.1:9/a'], ['http://localhost/a'], ['https://10.0.0.1/a']])(
  'takes the address %s',
  (url) => {
    expect(problem({ tools: [{ ...TOOL, url }] })).toBe('');
  },
);

it.each([
  ['plain http', { url: 'http://tools.example.com/a' }, 'tools[0].url', 'must be https'],
  [
    'a password in the address',
    { url: 'https://a:b@tools.example.com/' },
    'tools[0].url',
    'without credentials',
  ],
  ['no address', { url: undefined }, 'tools[0].url', ''],
  ['a name with a space', { name: 'look up' }, 'tools[0].name', 'must be 1 to 64 of'],
  ['no description', { description: '' }, 'tools[0].description', 'must say to the model'],
  [
    'a schema of no object',
    { inputSchema: { type: 'string' } },
    'tools[0].inputSchema.type',
    'must be "object"',
  ],
  [
    'a schema that leaves things open',
    { inputSchema: { type: 'object', properties: {} } },
    'tools[0].inputSchema',
    '"additionalProperties": false',
  ],
  [
    'lengths in its schema',
    { inputSchema: { ...SCHEMA, properties: { topic: { type: 'string', maxLength: 3 } } } },
    'tools[0].inputSchema.properties.topic.maxLength',
    'not taken by the API',
  ],
  [
    'a pattern in its schema',
    properties({ topic: { type: 'string', pattern: '^(a+)+$' } }),
    'tools[0].inputSchema.properties.topic.pattern',
    'check it in the tool',
  ],
  [
    'a property that every object has',
    properties({ constructor: { type: 'string' } }),
    'tools[0].inputSchema.properties',
    '"constructor" is a name that every object has',
  ],
  [
    'a property that sets what every object has',
    JSON.parse(JSON.stringify(properties({ P: { type: 'string' } })).replace('"P"', '"__proto__"')),
    'tools[0].inputSchema.properties',
    '"__proto__" is a name that every object has',
  ],
  [
    'a value that no input equals',
    properties({ topic: { const: { of: 1 } } }),
    'tools[0].inputSchema.properties.topic.const',
    'must be a text',
  ],
  [
    'what it cannot check',
    properties({ topic: { type: 'string' } }, { unevaluatedProperties: false }),
    'tools[0].inputSchema',
    'is none that inputs can be checked by: unevaluatedProperties is not supported',
  ],
  ['too long a time', { timeoutMs: 600_000 }, 'tools[0].timeoutMs', 'must be 1 to 120000 ms'],
  [
    'what it may not be told',
    { sends: ['token'] },
    'tools[0].sends[0]',
    'userHash, userId, organizationId, tier',
  ],
  ['a key that is none', { headers: {} }, 'tools[0]', 'headers'],
])('refuses %s', (_what, more, place, sentence) => {
  const said = problem({ tools: [{ ...TOOL, ...more }] });
  expect(said).toContain(`chat.${place}`);
  expect(said).toContain(sentence);
});

it.each([
  ['a name twice', { tools: [TOOL, TOOL] }, 'chat.tools[1].name', '"look_up" is there twice'],
  ['too many steps', { tools: [TOOL], maxToolSteps: 17 }, 'chat.maxToolSteps', 'must be 1 to 16'],
  ['steps without tools', { maxToolSteps: 2 }, 'chat.maxToolSteps', 'needs "tools"'],
  ['no tool', { tools: [] }, 'chat.tools', 'must list one tool'],
  ['all events beside them', { tools: [TOOL], allEvents: true }, 'chat.allEvents', 'what tools are asked'],
  [
    'a format beside them',
    { tools: [TOOL], outputFormat: { type: 'json_schema', schema: SCHEMA } },
    'chat.outputFormat',
    'cannot stand beside tools',
  ],
])('refuses %s', (_what, settings, place, sentence) => {
  const said = problem(settings);
  expect(said).toContain(place);
  expect(said).toContain(sentence);
});

it('wants a secret as soon as an action lists tools', () => {
  expect(problem({ tools: [TOOL] }, {})).toContain(
    'TOOLS_SECRET: required, since chat of ACTIONS_FILE lists tools',
  );
  expect(problem({}, {})).toBe('');
  expect(problem({ tools: [TOOL] }, { TOOLS_SECRET: 'short' })).toContain(
    'TOOLS_SECRET: must have 32 characters',
  );
});
