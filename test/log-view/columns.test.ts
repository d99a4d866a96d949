/** What a person sees of a line of the log. */
import { describe, expect, it } from 'vitest';
import { columns, titles } from '../../src/log-view/columns.ts';
import { LineSplitter } from '../../src/log-view/line-splitter.ts';
import { createView } from '../../src/log-view/logs-command.ts';
import { LOG_EVENTS } from '../../src/observability/log-events.ts';

const ENDED = {
  level: 'info',
  time: '2026-11-29T11:46:54.123Z',
  version: '0.1.0',
  instanceId: 'machine-a',
  event: 'stream_ended',
  streamId: 's1',
  epoch: 'e1',
  userId: '6f1e8c1a-0000-4000-8000-000000000001',
  action: 'homework_help',
  model: 'claude-sonnet-5-5',
  servedModel: 'claude-sonnet-5-5-20260928',
  door: 'websocket',
  requestId: null,
  connectionId: '0d3c2b1a-1111-4111-8111-111111111111',
  tier: 'pro',
  status: 'done',
  code: null,
  stopReason: 'end_turn',
  refusal: null,
  firstTokenMs: 512.3,
  totalMs: 4123,
  inputTokens: 200,
  outputTokens: 412,
  cacheReadTokens: 1200,
  cacheWriteTokens: 0,
  costUsd: 0.00421,
  msg: 'stream ended',
};

function cellsOf(fields: object): string[] {
  return columns({ ...fields }).split(/ +/);
}

function shown(line: string | Buffer, colorize = false): string {
  const view = createView({ colorize });
  const splitter = new LineSplitter();
  const pieces = [...splitter.push(Buffer.from(line)), ...splitter.end()];
  return Buffer.concat(pieces.map((piece) => Buffer.from(view(piece)))).toString('latin1');
}

describe('the columns', () => {
  it('say of a stream who asked what of whom, how soon it answered, and what it cost', () => {
    expect(cellsOf(ENDED)).toEqual([
      'stream_ended',
      'websocket',
      '0d3c2b1a',
      '6f1e8c1a',
      'homework_help',
      'claude-sonnet-5-5',
      '0.51s',
      '4.12s',
      '1400→412',
      '$0.004210',
      'done',
      'tier=pro',
    ]);
  });

  it('stand below their titles', () => {
    const line = columns(ENDED);
    const places = {
      door: 'websocket',
      user: '6f1e8c1a',
      model: 'claude-sonnet',
      tokens: '1400',
      code: 'done',
    };
    for (const [title, content] of Object.entries(places))
      expect(line.indexOf(content), title).toBe(titles().indexOf(title));
  });

  it.each([
    [{ code: 'upstream_overloaded', status: 'error' }, ['upstream_overloaded']],
    [{ stopReason: 'refusal', refusal: 'cyber' }, ['refusal', 'refusal=cyber']],
    [
      { status: 'cancelled', abortReason: 'cancelled', stopReason: null },
      ['cancelled', 'abortReason=cancelled'],
    ],
    [{ servedModel: 'claude-haiku-5-5' }, ['done', 'servedModel=claude-haiku-5-5']],
    [{ cause: { status: 529, code: 'x y' } }, ['done', 'cause={"status":529,"code":"x', 'y"}']],
  ])('name what was no ordinary ending: %j', (fields, last) => {
    expect(cellsOf({ ...ENDED, tier: null, ...fields }).slice(-last.length)).toEqual(last);
  });

  it('say in words what asks for somebody, with the fields that have no column', () => {
    const line = {
      level: 'warn',
      event: 'memory_pressure',
      msg: 'memory pressure changed',
      pressure: 'soft',
    };
    expect(columns(line)).toMatch(/^memory_pressure +memory pressure changed pressure=soft$/);
  });

  it('say of which process each line is, where there are several, and have titles then as well', () => {
    const view = createView({ colorize: false, titled: true });
    const show = (fields: object) =>
      String(view({ bytes: Buffer.from(JSON.stringify(fields)), isLine: true })).split('\n');
    const [title = '', line = ''] = show({ ...ENDED, worker: 2 });
    expect(title).toMatch(/^time +level +worker event /);
    expect(line).toMatch(/ 2 +stream_ended +websocket /);
    for (const column of ['worker', 'event', 'door', 'tokens'])
      expect(line.slice(title.indexOf(column) - 1)).toMatch(/^ \S/);
    expect(show(ENDED)[0]).toMatch(/INFO : {8}stream_ended/);
  });

  it('leave nothing of a field for the terminal to obey, and keep to one line', () => {
    const hostile = '\u001b[2J\r\n\u0007evil\u2028\u202e';
    const line = columns({ level: 'info', event: 'refused', msg: 'refused', door: hostile, origin: hostile });
    expect(line).toMatch(/origin=\[2J evil $|origin=\[2J evil$/);
    expect(line).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
  });

  it('are of events and fields that the catalogue has', () => {
    const fields: readonly string[] = LOG_EVENTS['stream ended'].fields;
    const others = ['level', 'time', 'version', 'instanceId', 'worker', 'event', 'msg'];
    expect(LOG_EVENTS['stream ended'].name).toBe(ENDED.event);
    expect(Object.keys(ENDED).filter((field) => !others.includes(field) && !fields.includes(field))).toEqual(
      [],
    );
  });
});

describe('a view of a log', () => {
  it('shows a line of ours with time and level', () => {
    expect(shown(`${JSON.stringify(ENDED)}\n`)).toMatch(/^\[11:46:54\.123\] INFO : stream_ended /);
  });

  it.each([
    ['text', 'Dash Relay is listening on http://127.0.0.1:8787\n'],
    ['JSON of others', '{"level":30,"time":1,"msg":"of pino as it comes"}\n'],
    ['an event that is no text', '{"level":"info","time":"t","event":{},"msg":"m"}\n'],
    ['broken JSON', '{"level":"info"\n'],
    ['an array', '[1]\n\n'],
    ['no text at all', Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0x1b, 0x5b])],
  ])('passes %s on as it came', (_what, line) => {
    expect(shown(line)).toBe(Buffer.from(line).toString('latin1'));
  });

  it('shows a last line that has no end, and passes on the half of one', () => {
    expect(shown(JSON.stringify(ENDED))).toContain('stream_ended ');
    const half = JSON.stringify(ENDED).slice(0, 100);
    expect(shown(half)).toBe(half);
  });

  it('has colours only where it may', () => {
    const line = `${JSON.stringify(ENDED)}\n`;
    expect(shown(line)).not.toContain('\u001b');
    expect(shown(line, true)).toContain('\u001b[');
  });
});

describe('bytes that are cut into lines', () => {
  it('give the same lines however they came', () => {
    const whole = Buffer.from('one\ntwö\n\nlast');
    for (let size = 1; size <= whole.length; size += 1) {
      const splitter = new LineSplitter();
      const pieces = [];
      for (let from = 0; from < whole.length; from += size)
        pieces.push(...splitter.push(whole.subarray(from, from + size)));
      pieces.push(...splitter.end());
      expect(pieces.map(({ bytes }) => bytes.toString())).toEqual(['one\n', 'twö\n', '\n', 'last']);
    }
  });

  it('are passed on in parts where a line is too long, and are lines again after it', () => {
    const splitter = new LineSplitter(10);
    const chunks = ['0123456', '789abcdef', 'ghi', '\nnext\n'];
    const pieces = chunks.flatMap((chunk) => [...splitter.push(Buffer.from(chunk))]);
    expect(pieces.map(({ bytes, isLine }) => [bytes.toString(), isLine])).toEqual([
      ['0123456789abcdef', false],
      ['ghi\n', false],
      ['next\n', true],
    ]);
  });
});
