/** Each thing that RFC 6455 says of what a peer sends, tried against the relay as production runs it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { handshake } from '../http/handshake.ts';
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  type FrameOptions,
  frame,
  framesIn,
  PING,
  PONG,
  TEXT,
  textFrame,
} from '../http/masked-frame.ts';
import { openHandshake, openRaw, parseAnswer } from '../http/raw-client.ts';
import { ProductionRelay } from './production-relay.ts';

/** What is sent, each piece by a write of its own; what comes of it; and how the relay closes, if it does. */
interface Case {
  readonly what: string;
  readonly sent: readonly Buffer[];
  /** Payloads of pongs. */
  readonly pongs?: readonly string[];
  /** `t` of each pong of the protocol, or the code of an error. */
  readonly answers?: readonly unknown[];
  /** Absent: the connection goes on. `null`: by a close frame without a code. */
  readonly closed?: number | null;
}

const HEAD_END = '\r\n\r\n';
const PROTOCOL_ERROR = 1002;
const BAD_TEXT = 1007;

const ask = (t: unknown): string => JSON.stringify({ type: 'ping', t });
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const text = (payload: FrameOptions['payload'] & {}, more: Partial<FrameOptions> = {}): Buffer =>
  frame({ opcode: TEXT, payload, ...more });
const begin = (payload: Buffer | string): Buffer => text(payload, { fin: false });
const goOn = (payload: Buffer | string): Buffer => frame({ opcode: CONTINUATION, payload, fin: false });
const finish = (payload: Buffer | string): Buffer => frame({ opcode: CONTINUATION, payload });
const ping = (payload: Buffer | string = ''): Buffer => frame({ opcode: PING, payload });
const close = (code: number, reason: Buffer | string = ''): Buffer => {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return frame({ opcode: CLOSE, payload: Buffer.concat([payload, Buffer.from(reason)]) });
};
/** So long a message that says the same. */
const padded = (length: number): Buffer => text(ask('long').padStart(length, ' '));
const oneByOne = (whole: Buffer): Buffer[] => Array.from(whole, (byte) => Buffer.from([byte]));

let relay: ProductionRelay;
beforeAll(async () => {
  relay = await ProductionRelay.start();
});
afterEach(() => relay.unharmed());
afterAll(() => relay[Symbol.asyncDispose]());

async function check({ what, sent, pongs = [], answers = [], closed }: Case): Promise<void> {
  const headers = { authorization: `Bearer ${relay.token()}` };
  const client = await openHandshake(relay.port, { headers });
  client.socket.setNoDelay();
  await client.send(textFrame(ask('the first'))).until('"the first"');
  for (const piece of sent) client.send(piece);
  if (closed === undefined) {
    await client.send(textFrame(ask('the probe'))).until('"the probe"');
    client.socket.destroy();
  }
  const received = await client.untilClosed();
  const frames = framesIn(
    Buffer.from(received.slice(received.indexOf(HEAD_END) + HEAD_END.length), 'latin1'),
  );
  const of = (opcode: number): Buffer[] =>
    frames.flatMap((each) => (each.opcode === opcode ? each.payload : []));
  const [hello, first, ...said] = of(TEXT).map(
    (each) => JSON.parse(each.toString()) as Record<string, unknown>,
  );
  const codes = of(CLOSE).map((each) => (each.length === 0 ? null : each.readUInt16BE()));
  expect(
    {
      before: [hello?.['type'], first?.['t']],
      pongs: of(PONG).map((each) => each.toString('latin1')),
      answers: said.map(({ t, code }) => t ?? code),
      codes,
    },
    what,
  ).toEqual({
    before: ['hello', 'the first'],
    pongs,
    answers: closed === undefined ? [...answers, 'the probe'] : answers,
    codes: closed === undefined ? [] : [closed],
  });
}

async function checkAll(cases: readonly Case[]): Promise<void> {
  for (const each of cases) await check(each);
}

/** In the midst of good frames: what comes before is answered, and nothing after it. */
const wrong = (what: string, sent: Buffer, closed = PROTOCOL_ERROR): Case => ({
  what,
  sent: [ping('before'), sent, ping('after'), text(ask('after'))],
  pongs: ['before'],
  closed,
});

describe('45 frames that break the protocol → 1002', () => {
  it('reserved bits', () =>
    checkAll(
      [1, 2, 3, 4, 5, 6, 7].flatMap((reserved) => [
        wrong(`${reserved} in a text`, text(ask('reserved'), { reserved })),
        wrong(`${reserved} in an empty ping`, frame({ opcode: PING, reserved })),
        wrong(`${reserved} in a close`, frame({ opcode: CLOSE, payload: bytes('03e8'), reserved })),
      ]),
    ));

  it('opcodes that mean nothing', () =>
    checkAll(
      [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
        wrong(`${opcode}`, frame({ opcode })),
        wrong(`${opcode} with a payload`, frame({ opcode, payload: 'x' })),
      ]),
    ));

  it('frames without a mask', () =>
    checkAll(
      [TEXT, BINARY, PING, CLOSE].map((opcode) =>
        wrong(`of opcode ${opcode}`, frame({ opcode, payload: bytes('03e8'), masked: false })),
      ),
    ));

  it('lengths in more bytes than they need, or of 64 bits', () =>
    checkAll([
      wrong('1 in 16 bits', text('x', { lengthBits: 16 })),
      wrong('125 in 16 bits', text('x'.repeat(125), { lengthBits: 16 })),
      wrong('1 in 64 bits', text('x', { lengthBits: 64 })),
      wrong('65,535 in 64 bits', text('x'.repeat(65_535), { lengthBits: 64 })),
      wrong(
        '0 in 64 bits, in a continuation',
        Buffer.concat([begin('x'), frame({ opcode: CONTINUATION, lengthBits: 64 })]),
      ),
      wrong('2^63', text('', { declaredLength: 2n ** 63n })),
      wrong('2^64 - 1', text('', { declaredLength: 2n ** 64n - 1n })),
      { what: 'byte by byte', sent: oneByOne(text('x', { lengthBits: 16 })), closed: PROTOCOL_ERROR },
    ]));

  it('control frames that are long, or in fragments', () =>
    checkAll(
      [PING, PONG, CLOSE].flatMap((opcode) => [
        wrong(`126 bytes of opcode ${opcode}`, frame({ opcode, payload: 'x'.repeat(126) })),
        wrong(`a fragment of opcode ${opcode}`, frame({ opcode, payload: bytes('03e8'), fin: false })),
      ]),
    ));

  it('messages that begin within one, or go on without one', () =>
    checkAll([
      wrong('a continuation of nothing', finish('x')),
      wrong('a fragment of nothing', goOn('x')),
      wrong('a text within a text', Buffer.concat([begin('"'), text('x')])),
      wrong('a text in fragments within a text', Buffer.concat([begin('"'), begin('x')])),
      wrong('binary within a text', Buffer.concat([begin('"'), frame({ opcode: BINARY })])),
    ]));

  it('a close that says nothing that may be said', () =>
    checkAll([
      wrong('one byte', frame({ opcode: CLOSE, payload: 'x' })),
      wrong('a reason of 124 bytes', close(1000, 'x'.repeat(124))),
      ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map((code) =>
        wrong(`${code}`, close(code)),
      ),
    ]));
});

describe('46 text that is no UTF-8 → 1007', () => {
  const BAD = [
    ...[
      '80',
      'bf',
      'c0 80',
      'c1 bf',
      'c3 28',
      'e0 80 80',
      'e0 9f bf',
      'ed a0 80',
      'ed bf bf',
      'ed a0 80 ed b0 80',
    ],
    ...[
      'f0 80 80 80',
      'f0 8f bf bf',
      'f4 90 80 80',
      'f5 80 80 80',
      'f8 88 80 80 80',
      'fc 84 80 80 80 80',
      'fe',
      'ff',
    ],
  ];
  /** Good as far as they go. */
  const HALF = ['c2', 'e2', 'e2 82', 'f0', 'f0 9f', 'f0 9f 98'];

  it('in one frame', () =>
    checkAll(
      [...BAD, ...HALF].map((hex) =>
        wrong(hex, text(Buffer.concat([Buffer.from('κόσμε'), bytes(hex)])), BAD_TEXT),
      ),
    ));

  it('half a character at the end of the last fragment', () =>
    checkAll(HALF.map((hex) => wrong(hex, Buffer.concat([begin('κόσμε'), finish(bytes(hex))]), BAD_TEXT))));

  it('in the reason of a close', () =>
    checkAll([...BAD, ...HALF].map((hex) => wrong(hex, close(1000, bytes(hex)), BAD_TEXT))));

  it('at the first byte that shows it, whether the message ends or not', () =>
    checkAll([
      ...BAD.map((hex) => ({
        what: `${hex} in a fragment`,
        sent: [begin('κόσμε'), goOn(bytes(hex))],
        closed: BAD_TEXT,
      })),
      ...BAD.map((hex) => ({
        what: `${hex} in a frame that goes on`,
        sent: [text(bytes(hex), { declaredLength: 70_000n })],
        closed: BAD_TEXT,
      })),
      {
        what: 'a character that goes wrong over two fragments',
        sent: [begin(bytes('f4')), goOn(''), ping('between'), goOn(bytes('90'))],
        pongs: ['between'],
        closed: BAD_TEXT,
      },
      { what: 'byte by byte', sent: oneByOne(begin(bytes('ce ba f4 90'))), closed: BAD_TEXT },
    ]));

  it('but every character that there is goes through, however it is cut', () => {
    const characters = '\u0080\u07ff\u0800\ud7ff\ue000\ufffd\ufffe\uffff\u{10000}\u{10ffff}κόσμε🍕';
    const whole = Buffer.from(ask(characters));
    const parts = whole.toString('latin1').match(/[\s\S]{1,2}/g) ?? [];
    const cuts = Array.from({ length: 30 }, (_, back) => whole.length - 1 - back);
    return checkAll([
      { what: 'whole', sent: [text(whole)], answers: [characters] },
      { what: 'byte by byte', sent: oneByOne(text(whole)), answers: [characters] },
      {
        what: 'in fragments of two bytes',
        sent: [begin(''), ...parts.map((part) => goOn(Buffer.from(part, 'latin1'))), finish('')],
        answers: [characters],
      },
      ...cuts.map((at) => ({
        what: `cut at ${at}`,
        sent: [begin(whole.subarray(0, at)), ping(), finish(whole.subarray(at))],
        pongs: [''],
        answers: [characters],
      })),
    ]);
  });
});

describe('47 48 49 messages that are not taken', () => {
  it('declared over the limit → 1009', () =>
    checkAll([
      wrong('2^54 bytes', text('', { declaredLength: 2n ** 54n }), 1009),
      wrong('one byte too many', text('', { declaredLength: 262_145n }), 1009),
      wrong(
        'fragments over it together',
        Buffer.concat([begin('x'.repeat(200_000)), goOn('x'.repeat(70_000))]),
        1009,
      ),
    ]));

  it('in more than 64 fragments → 1008, whatever is in them', () =>
    checkAll(
      ['x', ''].map((payload) =>
        wrong(
          `of "${payload}"`,
          Buffer.concat([begin(payload), ...Array.from({ length: 64 }, () => goOn(payload))]),
          1008,
        ),
      ),
    ));

  it('binary ones → 1003', () =>
    checkAll([
      wrong('whole', frame({ opcode: BINARY, payload: 'x' }), 1003),
      wrong('in fragments', Buffer.concat([frame({ opcode: BINARY, fin: false }), finish('x')]), 1003),
    ]));
});

describe('what a peer may do', () => {
  it('pings of up to 125 bytes, answered one by one with what they hold', () =>
    checkAll([
      { what: 'empty', sent: [ping()], pongs: [''] },
      { what: '125 bytes', sent: [ping(Buffer.alloc(125, 0xfe))], pongs: ['\xfe'.repeat(125)] },
      { what: '125 bytes one by one', sent: oneByOne(ping('x'.repeat(125))), pongs: ['x'.repeat(125)] },
      {
        what: 'ten at once',
        sent: [Buffer.concat(Array.from({ length: 10 }, (_, at) => ping(`${at}`)))],
        pongs: Array.from({ length: 10 }, (_, at) => `${at}`),
      },
      {
        what: 'a pong that nobody asked for',
        sent: [frame({ opcode: PONG, payload: 'x' }), ping('x')],
        pongs: ['x'],
      },
    ]));

  it('fragments, with control frames between them', () => {
    const [one, two, three] = [
      ask('in parts').slice(0, 5),
      ask('in parts').slice(5, 12),
      ask('in parts').slice(12),
    ];
    return checkAll([
      { what: 'two', sent: [begin(one), finish(two + three)], answers: ['in parts'] },
      {
        what: 'three with pings',
        sent: [begin(one), ping('1'), goOn(two), ping('2'), finish(three)],
        pongs: ['1', '2'],
        answers: ['in parts'],
      },
      {
        what: 'empty ones',
        sent: [begin(''), goOn(''), goOn(ask('in parts')), finish('')],
        answers: ['in parts'],
      },
      {
        what: '64',
        sent: [begin(ask('in parts')), ...Array.from({ length: 62 }, () => goOn('')), finish('')],
        answers: ['in parts'],
      },
      {
        what: 'byte by byte',
        sent: oneByOne(Buffer.concat([begin(one), ping('1'), finish(two + three)])),
        pongs: ['1'],
        answers: ['in parts'],
      },
      {
        what: 'empty messages',
        sent: [text(''), begin(''), finish('')],
        answers: ['bad_request', 'bad_request'],
      },
    ]);
  });

  it('lengths of each form, at their limits', () =>
    checkAll(
      [125, 126, 127, 128, 65_535, 65_536, 262_144].map((length) => ({
        what: `${length} bytes`,
        sent: [padded(length)],
        answers: ['long'],
      })),
    ));

  it('closes, with each code that may be sent: the same comes back, and then the end', () =>
    checkAll([
      { what: 'no code', sent: [frame({ opcode: CLOSE })], closed: null },
      { what: 'a reason of 123 bytes', sent: [close(1000, 'x'.repeat(123))], closed: 1000 },
      { what: 'byte by byte', sent: oneByOne(close(1001, 'κόσμε')), closed: 1001 },
      ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999].map(
        (code) => ({ what: `${code}`, sent: [close(code)], closed: code }),
      ),
    ]));

  it('closes, and nothing that comes after it counts', () =>
    checkAll([
      { what: 'a ping', sent: [Buffer.concat([close(1000), ping('late')])], closed: 1000 },
      { what: 'a message', sent: [Buffer.concat([close(1000), text(ask('late'))])], closed: 1000 },
      { what: 'another close', sent: [Buffer.concat([close(1000), close(1001)])], closed: 1000 },
      { what: 'nonsense', sent: [Buffer.concat([close(1000), bytes('ff ff ff')])], closed: 1000 },
      { what: 'within a message in fragments', sent: [begin('x'), close(1000), finish('y')], closed: 1000 },
    ]));
});

describe('handshakes that RFC 6455 refuses', () => {
  const refusal = async (options: Parameters<typeof handshake>[0]) => {
    const headers = { authorization: `Bearer ${relay.token()}`, ...options?.headers };
    const client = await openRaw(relay.port);
    return parseAnswer(await client.send(handshake({ ...options, headers })).untilClosed());
  };

  it.each([
    ['without a Host', { headers: { host: undefined } }],
    ['with two', { lines: ['Host: other.example'] }],
  ])('%s → 400', async (_what, options) => {
    expect(await refusal(options)).toMatchObject({ status: 400, error: { code: 'bad_request' } });
  });

  it('7 of another version → 400, and which one is served', async () => {
    const answer = await refusal({ headers: { 'sec-websocket-version': '8' } });
    expect(answer).toMatchObject({ status: 400, headers: { 'sec-websocket-version': '13' } });
  });
});
