import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { eventsOf, post, question, sdk, textOf, until } from './ask.ts';

describe('a stream that breaks off', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator({ pace: UNPACED });
  });
  afterEach(() => until(() => simulator.stats.open === 0));
  afterAll(() => simulator.close());

  const ask = (model: string) =>
    post(`${simulator.url}/v1/messages`, { ...question('Explain gravity', model), stream: true });
  const deltas = (text: string) =>
    eventsOf(text).filter((event) => event.type === 'content_block_delta').length;

  it('by a reset has brought what was sent before', async () => {
    const heard = await ask('sim:reset');
    expect(heard.error).toBe('ECONNRESET');
    expect(deltas(heard.text)).toBe(5);
    expect(simulator.requests.at(-1)).toMatchObject({ aborted: false, usage: null });
  });

  it('by a clean end lacks message_stop', async () => {
    const heard = await ask('sim:truncate');
    expect(heard.error).toBeNull();
    expect(deltas(heard.text)).toBe(5);
    expect(heard.text).not.toContain('message_stop');
  });

  it('within an event ends in half a line', async () => {
    const heard = await ask('sim:half-event');
    expect(heard.error).toBeNull();
    expect(deltas(heard.text)).toBe(5);
    expect(heard.text.endsWith('\n\n')).toBe(false);
  });

  it('by an error event tells the SDK why', async () => {
    const asked = { ...question('Explain gravity', 'sim:overloaded-midway'), stream: true as const };
    const stream = await sdk(simulator).messages.create(asked);
    const read = async () => {
      for await (const event of stream) expect(event.type).not.toBe('message_stop');
    };
    await expect(read()).rejects.toMatchObject({ type: 'overloaded_error' });
  });

  it.each(['stall', 'ping-only'] as const)('by %s stays open until the client leaves', async (name) => {
    simulator.script(name);
    const stream = await sdk(simulator).messages.create({ ...question('Explain gravity'), stream: true });
    const expected = name === 'stall' ? 5 : 0;
    let seen = 0;
    const reading = (async () => {
      for await (const event of stream) if (event.type === 'content_block_delta') seen += 1;
    })();
    await until(() => seen === expected);
    expect(simulator.stats.open).toBe(1);
    stream.controller.abort();
    await reading;
    await until(() => simulator.stats.open === 0);
    expect(seen).toBe(expected);
    expect(simulator.requests.at(-1)).toMatchObject({ aborted: true, usage: null });
  });

  it('before its first delta, or after more deltas than there are, never says message_stop', async () => {
    for (const afterDeltas of [0, 1_000_000]) {
      simulator.script({ broken: { afterDeltas, by: 'end' } });
      const heard = await ask('claude-sonnet-5-5');
      expect(heard.text).toContain('message_start');
      expect(heard.text).not.toContain('message_stop');
    }
  });

  it('without a stream is half a body', async () => {
    const heard = await post(`${simulator.url}/v1/messages`, question('Explain gravity', 'sim:truncate'));
    expect(() => JSON.parse(heard.text) as unknown).toThrow();
  });

  it.each([1, 7, 1_000])('in slices of %d bytes says the same text', async (sliceBytes) => {
    simulator.script('answer', { sliceBytes });
    const whole = await ask('claude-sonnet-5-5');
    const sliced = await ask('claude-sonnet-5-5');
    expect(textOf(sliced.text)).toBe(textOf(whole.text));
    expect(Math.max(...sliced.parts.map((part) => part.length))).toBe(sliceBytes);
    const [whole_, sliced_] = simulator.requests.slice(-2);
    expect(sliced_?.tokensGenerated).toBe(whole_?.tokensGenerated);
    expect(sliced_?.usage).toEqual(whole_?.usage);
  });

  it('can be any bytes at all', async () => {
    const body = Uint8Array.from([0xff, 0x00, 0xc3, 0x28, 0x0a]);
    simulator.script({ body });
    const { parts } = await ask('claude-sonnet-5-5');
    expect(Buffer.concat(parts)).toEqual(Buffer.from(body));
  });
});
