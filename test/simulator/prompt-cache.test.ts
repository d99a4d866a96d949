import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { post, until } from './ask.ts';

const MINUTE = 60_000;
const MODEL = 'claude-sonnet-5-5';
/** Of the table: what a prompt of that model has to have at least. */
const FLOOR = 512;

interface Usage {
  readonly input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_creation: {
    readonly ephemeral_5m_input_tokens: number;
    readonly ephemeral_1h_input_tokens: number;
  };
}

/** [input, read, written for 5 minutes, written for an hour]. */
type Counts = [number, number, number, number];

/** About as many tokens as asked for, by the newer tokenizer. */
function words(tokens: number, seed = 'word'): string {
  return `${seed} `.repeat(Math.ceil((tokens * 4) / 1.3 / (seed.length + 1)));
}

const MARK = { type: 'ephemeral' } as const;
const MARK_1H = { type: 'ephemeral', ttl: '1h' } as const;
const block = (text: string, mark?: object) => ({
  type: 'text',
  text,
  ...(mark === undefined ? {} : { cache_control: mark }),
});
const user = (...content: object[]) => ({ role: 'user', content });
const assistant = (...content: object[]) => ({ role: 'assistant', content });
const SYSTEM = [block(words(800), MARK)];
const HI = [user(block('hi'))];

describe('the prompt cache', () => {
  let simulator: Simulator;
  let clock: ManualClock;
  beforeEach(async () => {
    clock = new ManualClock();
    simulator = await startSimulator({ pace: UNPACED, clock });
  });
  afterEach(() => simulator.close());

  const ask = async (body: object, status = 200): Promise<Usage> => {
    const asked = { model: MODEL, max_tokens: 50, messages: HI, ...body };
    const heard = await post(`${simulator.url}/v1/messages`, asked);
    expect(heard.status, heard.text).toBe(status);
    return (JSON.parse(heard.text) as { usage: Usage }).usage;
  };
  const counts = async (body: object): Promise<Counts> => {
    const { input_tokens, cache_read_input_tokens, cache_creation, cache_creation_input_tokens } =
      await ask(body);
    const { ephemeral_5m_input_tokens: short, ephemeral_1h_input_tokens: long } = cache_creation;
    expect(cache_creation_input_tokens).toBe(short + long);
    return [input_tokens, cache_read_input_tokens, short, long];
  };
  const total = (all: Counts) => all.reduce((sum, count) => sum + count);

  it('writes what is marked, then reads it', async () => {
    const first = await counts({ system: SYSTEM });
    expect(first).toEqual([expect.any(Number), 0, expect.any(Number), 0]);
    expect(first[2]).toBeGreaterThan(800);
    const second = await counts({ system: SYSTEM });
    expect(second).toEqual([first[0], first[2], 0, 0]);
    expect(await counts({ system: SYSTEM.map(({ text }) => block(text)) })).toEqual([total(first), 0, 0, 0]);
  });

  it('says the same in a stream, the split by lifetime at its beginning', async () => {
    await ask({ system: SYSTEM });
    const asked = { model: MODEL, max_tokens: 50, messages: HI, system: SYSTEM, stream: true };
    const { text } = await post(`${simulator.url}/v1/messages`, asked);
    const events = text
      .split('\n\n')
      .flatMap((event) => /data: (.*)/.exec(event)?.[1] ?? [])
      .map((data) => JSON.parse(data) as { type: string; message?: { usage: Usage }; usage?: Usage });
    const start = events.find(({ type }) => type === 'message_start')?.message?.usage;
    const delta = events.find(({ type }) => type === 'message_delta')?.usage;
    expect(start?.cache_read_input_tokens).toBeGreaterThan(800);
    expect(start?.cache_creation.ephemeral_5m_input_tokens).toBe(0);
    expect(delta).toMatchObject({ cache_read_input_tokens: start?.cache_read_input_tokens });
    expect(delta).not.toHaveProperty('cache_creation');
    expect(simulator.requests.at(-1)?.prompt).toMatchObject({ cacheRead: start?.cache_read_input_tokens });
  });

  it.each([
    ['haiku-5-5', 512],
    ['sonnet-4-6', 1_024],
    ['opus-4-6', 4_096],
  ])('of %s keeps nothing below %d tokens', async (model, floor) => {
    const marked = async (tokens: number) => {
      const body = { model: `claude-${model}`, system: [block(`${tokens}${'x'.repeat(tokens)}`, MARK)] };
      return (await counts(body))[2];
    };
    const perToken = model === 'haiku-5-5' ? 4 / 1.3 : 4;
    expect(await marked(Math.floor((floor - 8) * perToken))).toBe(0);
    expect(await marked(Math.ceil((floor + 8) * perToken))).toBeGreaterThan(floor);
  });

  it('grows with a conversation: each turn reads the turn before', async () => {
    const history: object[] = [];
    let before = 0;
    for (let turn = 0; turn < 5; turn++) {
      const asked = [...history, user(block(words(600, `q${turn}`)))];
      const [input, read, written] = await counts({ messages: asked, cache_control: MARK });
      expect([input, read]).toEqual([0, before]);
      expect(written).toBeGreaterThan(600);
      before = read + written;
      history.push(asked.at(-1) as object, assistant(block(words(20, `a${turn}`))));
    }
  });

  it('reads no further back than 20 blocks', async () => {
    const opening = user(block(words(FLOOR + 100), MARK));
    const [, , written] = await counts({ messages: [opening] });
    const later = (blocks: number) => {
      const more = Array.from({ length: blocks }, (_, i) => block(`more ${i}`));
      return [opening, assistant(block('yes')), user(...more.slice(0, -1), block('last', MARK))];
    };
    // Without a mark of its own on the opening: only the last one's reach counts.
    const bare = (blocks: number) => [user(block(words(FLOOR + 100))), ...later(blocks).slice(1)];
    expect((await counts({ messages: bare(18) }))[1]).toBe(written);
    expect((await counts({ messages: bare(19) }))[1]).toBe(0);
    expect((await counts({ messages: later(30) }))[1]).toBe(written);
  });

  const TOOLS = [{ name: 'a', input_schema: { type: 'object' } }];
  it.each([
    ['another model', { model: 'claude-opus-5-5' }, 'system'],
    ['another speed', { speed: 'fast', model: 'claude-opus-5-5' }, 'system'],
    ['other tools', { tools: TOOLS }, 'system'],
    ['another system prompt', { system: [block(words(800, 'other'), MARK)] }, 'system'],
    ['another effort', { output_config: { effort: 'low' } }, 'messages'],
    ['another way of thinking', { thinking: { type: 'between_tools' } }, 'messages'],
  ])('misses after %s', async (_, change, from) => {
    const model = 'speed' in change ? change.model : MODEL;
    const asked = { model, system: SYSTEM, messages: [user(block(words(700), MARK))] };
    const first = await counts(asked);
    const changed = await counts({ ...asked, ...change });
    const systemTokens = from === 'system' ? 0 : changed[1];
    expect(changed[1]).toBe(systemTokens);
    expect(changed[1]).toBeLessThan(first[2]);
    expect(changed[2]).toBeGreaterThan(700);
    expect(await counts({ ...asked, ...change })).toEqual([
      expect.any(Number),
      total(changed) - changed[0],
      0,
      0,
    ]);
  });

  it('does not take a default that is written out for a change', async () => {
    const asked = { system: SYSTEM, messages: [user(block(words(700), MARK))] };
    const first = await counts(asked);
    const same = { ...asked, output_config: { effort: 'high' }, thinking: { type: 'adaptive' } };
    expect((await counts(same))[1]).toBe(first[2]);
  });

  it('lets an entry go five minutes after its last use, or an hour where that was asked for', async () => {
    const [, , written] = await counts({ system: SYSTEM });
    for (let uses = 0; uses < 3; uses++) {
      clock.advance(5 * MINUTE - 1);
      expect((await counts({ system: SYSTEM }))[1]).toBe(written);
    }
    clock.advance(5 * MINUTE);
    expect((await counts({ system: SYSTEM }))[1]).toBe(0);

    const long = [block(words(900, 'long'), MARK_1H)];
    const [, , , kept] = await counts({ system: long });
    expect(kept).toBeGreaterThan(900);
    clock.advance(60 * MINUTE - 1);
    expect((await counts({ system: long }))[1]).toBe(kept);
    clock.advance(60 * MINUTE);
    expect((await counts({ system: long }))[1]).toBe(0);
  });

  it('splits a write by lifetime', async () => {
    const system = [block(words(600, 'rules'), MARK_1H), block(words(300, 'today'), MARK)];
    const [, , short, long] = await counts({ system });
    expect(long).toBeGreaterThan(590);
    expect(short).toBeGreaterThan(290);
    expect(short).toBeLessThan(long);
  });

  it('can be read once the first response has begun', async () => {
    const paced = await startSimulator({ clock, pace: { firstTokenMs: 1_000, deltasPerSecond: 100 } });
    const url = `${paced.url}/v1/messages`;
    const asked = { model: MODEL, max_tokens: 50, messages: HI, system: SYSTEM, stream: true };
    const writtenBy = (i: number) => paced.requests[i]?.prompt?.cacheWrite5m ?? -1;
    const answers = [post(url, asked), post(url, asked)];
    await until(() => paced.requests.length === 2 && paced.requests.every(({ prompt }) => prompt !== null));
    expect(writtenBy(0)).toBeGreaterThan(800);
    expect(writtenBy(1)).toBe(writtenBy(0));
    clock.advance(700);
    answers.push(post(url, asked));
    await until(() => paced.requests[2]?.prompt !== null && paced.requests.length === 3);
    expect(paced.requests[2]?.prompt).toMatchObject({ cacheRead: writtenBy(0), cacheWrite5m: 0 });
    clock.advance(20_000);
    await Promise.all(answers);
    await paced.close();
  });

  const marked = (...marks: (object | undefined)[]) => marks.map((mark, i) => block(`part ${i}`, mark));
  it.each([
    ['five marks', { messages: [user(...marked(MARK, MARK, MARK, MARK, MARK))] }],
    [
      'four and the one of the request',
      { messages: [user(...marked(MARK, MARK, MARK, MARK, undefined))], cache_control: MARK },
    ],
    ['a longer lifetime after a shorter one', { messages: [user(...marked(MARK, MARK_1H))] }],
    ['the same, in messages after system', { system: SYSTEM, messages: [user(...marked(MARK_1H))] }],
    ['the last block marked otherwise', { messages: [user(...marked(MARK))], cache_control: MARK_1H }],
    ['another lifetime', { cache_control: { type: 'ephemeral', ttl: '2h' } }],
    ['another type', { cache_control: { type: 'forever' } }],
    [
      'a mark on a thought',
      {
        messages: [
          ...HI,
          assistant({ type: 'thinking', thinking: '', signature: 'x', cache_control: MARK }),
          ...HI,
        ],
      },
    ],
  ])('refuses %s', async (_, body) => {
    await ask(body, 400);
  });

  it.each([
    ['four marks', { messages: [user(...marked(MARK, MARK, MARK, MARK))] }],
    [
      'a mark of the request where the last block has the same',
      { messages: [user(...marked(MARK))], cache_control: MARK },
    ],
    ['null for none', { messages: [user(block('hi', undefined))], cache_control: null }],
  ])('takes %s', async (_, body) => {
    await ask(body);
  });
});
