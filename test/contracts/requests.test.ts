/** What the contract says of frames of clients is what the parser takes, also where that walks by hand. */
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parseClientFrame } from '../../src/protocol/parse-client-frame.ts';
import { readProjectFile } from '../architecture/source-files.ts';

const ajv = new Ajv({ strict: false, validateFormats: false });
ajv.addSchema(JSON.parse(readProjectFile('docs/asyncapi.json')) as object, 'contract');

type Frame = Readonly<Record<string, unknown>>;

function isInContract(name: string, frame: Frame): boolean {
  return ajv.validate({ $ref: `contract#/components/schemas/${name}Frame` }, frame);
}

function isTaken(frame: Frame): boolean {
  return 'frame' in parseClientFrame(JSON.stringify(frame));
}

const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } };
const uploaded = { type: 'document', source: { type: 'upload', id: 'an-upload' } };
const block = { type: 'text', text: 'Why?' };
const question = (content: unknown) => [{ role: 'user', content }];

/** A frame of each kind with all its fields; of each, values that are taken and values that are not. */
const FRAMES: readonly [name: string, whole: Frame, fields: Readonly<Record<string, readonly unknown[]>>][] =
  [
    [
      'Start',
      {
        type: 'start',
        id: 'a-stream',
        fresh: true,
        action: 'chat',
        messages: question([block, image, uploaded]),
        context: { grade: 4 },
        parameters: { language: 'en', grade: 4, formal: true },
        model: 'claude-sonnet-5-5',
        maxTokens: 100,
        events: 'text',
        onDisconnect: 'cancel',
        notify: 'absent',
      },
      {
        id: ['', 'x'.repeat(64), 'x'.repeat(65), 'a b', 7],
        fresh: [false],
        action: ['', 'x'.repeat(64), 'x'.repeat(65), null],
        messages: [
          [],
          question(''),
          question('Why?'),
          question([]),
          question([{ type: 'text', text: '' }]),
          question([{ ...block, cache_control: {} }]),
          question([{ type: 'tool_result' }]),
          question([{ ...image, source: { ...image.source, data: 'a b' } }]),
          question([{ ...image, source: { ...image.source, media_type: 'image/svg+xml' } }]),
          question([{ ...uploaded, source: { type: 'url', url: 'https://example.com' } }]),
          [{ role: 'system', content: 'x' }],
          [{ role: 'user', content: 'Why?', name: 'x' }],
          [...question('Why?'), { role: 'assistant', content: 'So.' }],
          Array.from({ length: 501 }, () => ({ role: 'user', content: 'x' })),
          'Why?',
        ],
        context: ['words', 7, null, [1]],
        parameters: [
          {},
          { Language: 'en' },
          { language: null },
          { language: 'x'.repeat(200) },
          { language: 'x'.repeat(201) },
          Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`p${index}`, 1])),
          [],
        ],
        model: ['', 'x'.repeat(256), 'x'.repeat(257)],
        maxTokens: [0, 1, 1.5, '1'],
        events: ['all', 'none'],
        onDisconnect: ['resume', 'none'],
        notify: ['always'],
        system: ['x'],
      },
    ],
    ['Cancel', { type: 'cancel', id: 'a-stream' }, { id: ['', null], reason: ['x'] }],
    [
      'Resume',
      { type: 'resume', id: 'a-stream', epoch: 'an-epoch', after: 3 },
      { id: [''], epoch: ['short', 'x'.repeat(33)], after: [-1, 0, 1.5, '3'] },
    ],
    ['Ack', { type: 'ack', id: 'a-stream', seq: 3 }, { seq: [-1, 0, 2.5, null] }],
    ['Auth', { type: 'auth', token: 'a-token' }, { token: ['', 7] }],
    ['Watch', { type: 'watch' }, { id: ['a-stream'] }],
    ['Ping', { type: 'ping', t: 7 }, { t: ['x', 'x'.repeat(65), true] }],
  ];

describe.each(FRAMES)('%s', (name, whole, fields) => {
  it('is taken as it is, and in the contract', () => {
    expect([isTaken(whole), isInContract(name, whole)]).toEqual([true, true]);
  });

  it('is taken without a field, or with another value, where the contract says so', () => {
    // With a position there has to be a run: JSON Schema is not asked to say so.
    const names = Object.keys(whole).filter((field) => field !== 'type' && field !== 'epoch');
    const without = names.map((name) =>
      Object.fromEntries(Object.entries(whole).filter(([field]) => field !== name)),
    );
    const others = Object.entries(fields).flatMap(([field, values]) =>
      values.map((value) => ({ ...whole, [field]: value })),
    );
    for (const each of [...without, ...others])
      expect(isInContract(name, each), JSON.stringify(each)).toBe(isTaken(each));
  });
});
