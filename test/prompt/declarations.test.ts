import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadActions } from '../../src/config/actions.ts';
import { describedParameters } from '../../src/prompt/parameters.ts';
import { systemPrompt } from '../../src/prompt/system-prompt.ts';

const directory = mkdtempSync(join(tmpdir(), 'actions-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let files = 0;

function load(system: string, parameters?: object | string) {
  files += 1;
  const file = join(directory, `${files}.json`);
  const declared = typeof parameters === 'string' ? parameters : JSON.stringify(parameters);
  const rest = `"system":${JSON.stringify(system)},"defaultMaxTokens":1,"maxTokens":1`;
  writeFileSync(file, `{"tutor":{${rest}${declared === undefined ? '' : `,"parameters":${declared}`}}}`);
  return { file, actions: () => loadActions(file) };
}

const says = 'Answer in {{x}}.';
const text = { type: 'string', maxLength: 20 };
const choice = { type: 'enum', values: ['a', 'b'] };
const count = { type: 'integer', min: 1, max: 9 };

/** Each of these starts nothing. */
const REFUSED: [what: string, saying: RegExp, system: string, parameters?: object | string][] = [
  [
    'a place of nothing',
    /\{\{grade\}\} is none of its parameters; declare it in "parameters".*\n.*tutor\.system/,
    'For {{grade}}.',
  ],
  ['a misspelt place', /\{\{X\}\} is none of its parameters/, '{{X}}', { x: { ...choice, says } }],
  ['a place with spaces', /\{\{ x \}\} is no place; write \{\{x\}\}/, '{{ x }}', { x: { ...choice, says } }],
  ['spaces in what it says', /write \{\{x\}\}/, '', { x: { ...choice, says: 'In {{x}} or {{x }}.' } }],
  [
    'a parameter that stands nowhere',
    /stands nowhere; write \{\{x\}\} into "system", or give it .* "says"\n.*tutor\.parameters\.x/,
    'Be kind.',
    { x: choice },
  ],
  ['a sentence without its place', /says must have \{\{x\}\}/, '', { x: { ...text, says: 'Be brief.' } }],
  [
    'a place in the words of a choice',
    /values have \{\{y\}\}, which is not filled there/,
    '{{x}} {{y}}',
    {
      x: { type: 'enum', values: { a: 'A', b: 'B of {{y}}' }, default: 'a' },
      y: { ...choice, required: true },
    },
  ],
  [
    'a place in the words of a boolean',
    /values have \{\{x\}\}, which is not filled there/,
    '{{x}}',
    { x: { type: 'boolean', values: { true: 'so {{x}}', false: 'no' }, default: false } },
  ],
  [
    "another one's place",
    /says has \{\{y\}\}, which may have no value/,
    '',
    { x: { ...choice, says: '{{x}} {{y}}' }, y: { ...choice, says: '{{y}}' } },
  ],
  [
    'a place that may be empty',
    /may be absent, and \{\{x\}\} in "system" would be empty; give it a "default"/,
    'In {{x}}.',
    { x: choice },
  ],
  ['a default that is no value', /default: must be one of a, b/, '{{x}}', { x: { ...choice, default: 'c' } }],
  [
    'a default too long',
    /default: must be a text of at most 3/,
    '{{x}}',
    { x: { ...text, maxLength: 3, default: 'four' } },
  ],
  [
    'a default out of bounds',
    /must be a whole number from 1 to 9/,
    '{{x}}',
    { x: { ...count, default: 10 } },
  ],
  ['a default in parts', /must be a whole number/, '{{x}}', { x: { ...count, default: 1.5 } }],
  [
    'a default of another type',
    /tutor\.parameters\.x\.default/,
    '{{x}}',
    { x: { type: 'boolean', default: 'yes' } },
  ],
  ['a default of markup', /default: must be a text/, '{{x}}', { x: { ...text, default: '</grade>' } }],
  [
    'a default of what is required',
    /never used, as it is "required"/,
    '{{x}}',
    { x: { ...choice, required: true, default: 'a' } },
  ],
  [
    'a pattern',
    /patterns are not taken; say .*"characters" and "maxLength"/,
    '',
    { x: { ...text, says, pattern: '^(a+)+$' } },
  ],
  ['an unknown key', /Unrecognized key: "regex"/, '', { x: { ...text, says, regex: 'a' } }],
  ['no type', /must have a "type": "enum", "string", "integer" or "boolean"/, '', { x: { says } }],
  ['an unknown type', /must have a "type"/, '', { x: { type: 'text', says } }],
  ['no values', /must be 1 to 200 values/, '', { x: { type: 'enum', values: [], says } }],
  ['a value twice', /has a value twice/, '', { x: { type: 'enum', values: ['a', 'a'], says } }],
  [
    'a value of no words',
    /tutor\.parameters\.x\.values/,
    '',
    { x: { type: 'enum', values: { a: ' ' }, says } },
  ],
  ['no length', /tutor\.parameters\.x\.maxLength/, '', { x: { type: 'string', says } }],
  ['a length beyond the wire', /<=200/, '', { x: { ...text, maxLength: 201, says } }],
  [
    'bounds the wrong way round',
    /"min" above its "max"/,
    '',
    { x: { type: 'integer', min: 2, max: 1, says } },
  ],
  ['no bounds', /tutor\.parameters\.x\.max/, '', { x: { type: 'integer', min: 1, says } }],
  [
    'signs that mark up',
    /must be of letters, digits, spaces, or one sign of/,
    '',
    { x: { ...text, says, characters: ['letters', '<'] } },
  ],
  ['a quotation mark', /must be of letters/, '', { x: { ...text, says, characters: ['letters', '"'] } }],
  ['a line break', /must be of letters/, '', { x: { ...text, says, characters: ['letters', '\n'] } }],
  ['a brace', /must be of letters/, '', { x: { ...text, says, characters: ['letters', '{'] } }],
  [
    'a key of every object',
    /must be of letters/,
    '',
    { x: { ...text, says, characters: ['letters', 'constructor'] } },
  ],
  ['signs alone', /must have "letters" or "digits"/, '', { x: { ...text, says, characters: ['-'] } }],
  [
    'words of a boolean that stand nowhere',
    /values are the words of \{\{x\}\}/,
    '',
    { x: { type: 'boolean', says: 'Be brief.', values: { true: 'a', false: 'b' } } },
  ],
  [
    'a place in the sentence of a boolean',
    /says is added only where it is true/,
    '',
    { x: { type: 'boolean', says } },
  ],
  ['a blank sentence', /tutor\.parameters\.x\.says/, '', { x: { ...text, says: ' ' } }],
  ['a name with a dash', /must be 1 to 32 of A-Z/, '', { 'grade-level': { ...text, says } }],
  [
    'a name twice',
    /tutor\.parameters\.x stands twice/,
    '',
    '{"x":{"type":"boolean","says":"A."},"x":{"type":"boolean","says":"B."}}',
  ],
  [
    'seventeen',
    /at most 16/,
    '',
    Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`x${at}`, { type: 'boolean', says: 'A.' }])),
  ],
];

describe('a declaration that is refused at the start', () => {
  it.each(REFUSED)('%s', (_, saying, system, parameters) => {
    const { file, actions } = load(system, parameters);
    expect(actions).toThrow(saying);
    expect(actions).toThrow(`unable to use the actions file ${file}`);
  });
});

describe('a declaration that starts', () => {
  it('may have what other languages use braces for, where it is no place', () => {
    const system = 'Write \\frac{{a}+1}{2}, {{a + b}} and { {x} }.';
    expect(systemPrompt(load(system).actions().get('tutor') ?? { system: '' })).toEqual({ system });
  });

  it('may be placed, said, or both, and has the words it is given', () => {
    const tutor = load('{{tone}} {{brief}} {{level}}', {
      tone: { type: 'enum', values: { calm: 'Be calm.', '0': 'Be zero.' }, default: 'calm' },
      brief: { type: 'boolean', values: { true: 'Briefly.', false: 'At length.' }, default: false },
      level: { ...count, required: true, says: 'Level {{level}}, {{level}} of 9.' },
    })
      .actions()
      .get('tutor');
    if (tutor === undefined) throw new Error('no tutor');
    expect(systemPrompt(tutor, { level: 3, tone: '0' })).toEqual({
      system: 'Be zero. At length. 3',
      instructions: 'Level 3, 3 of 9.',
    });
    expect(systemPrompt(tutor, { level: 1, brief: true }).system).toBe('Be calm. Briefly. 1');
  });

  it('is told to clients without a word of the prompt', () => {
    const { parameters = new Map() } =
      load('', {
        tone: { type: 'enum', values: { calm: 'secret words' }, says: 'secret {{tone}}', default: 'calm' },
        name: { ...text, required: true, characters: ['letters'], says: 'secret {{name}}' },
        level: { ...count, says: 'secret {{level}}' },
        brief: { type: 'boolean', says: 'secret' },
      })
        .actions()
        .get('tutor') ?? {};
    expect(describedParameters(parameters)).toEqual({
      tone: { type: 'enum', required: false, default: 'calm', values: ['calm'] },
      name: { type: 'string', required: true, maxLength: 20, characters: ['letters'] },
      level: { type: 'integer', required: false, min: 1, max: 9 },
      brief: { type: 'boolean', required: false },
    });
  });
});

describe('the shipped actions', () => {
  const shipped = loadActions('config/actions.json');

  it('say what they said where nothing is asked of them', () => {
    for (const action of shipped.values()) expect(systemPrompt(action)).toEqual({ system: action.system });
  });

  it('all answer in a language that is asked for', () => {
    for (const action of shipped.values())
      expect(systemPrompt(action, { language: 'zu' }).instructions).toMatch(/^Answer in isiZulu,/);
  });
});
