import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { question, sdk, until } from './ask.ts';

describe('a client that leaves', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator({ pace: { firstTokenMs: 0, deltasPerSecond: 200 } });
  });
  afterAll(() => simulator.close());

  it('stops the generation at once, and the tokens so far are on record', async () => {
    const stream = await sdk(simulator).messages.create({
      ...question('Explain gravity', 'sim:long'),
      stream: true,
    });
    let seen = 0;
    for await (const event of stream) if (event.type === 'content_block_delta' && ++seen === 5) break;
    await until(() => simulator.stats.open === 0);
    const record = simulator.requests.at(-1);
    expect(record).toMatchObject({ aborted: true, usage: null });
    expect(record?.closedAt).toBeGreaterThanOrEqual(record?.receivedAt ?? Number.POSITIVE_INFINITY);
    const generated = record?.tokensGenerated ?? 0;
    expect(generated).toBeGreaterThanOrEqual(5);
    expect(generated).toBeLessThan(5_000);
    await sdk(simulator).messages.create(question('hi', 'sim:fast'));
    expect(record?.tokensGenerated).toBe(generated);
  });

  it('before the first byte is noticed as well', async () => {
    const gone = new AbortController();
    const refused = sdk(simulator).messages.create(question('hi', 'sim:silent'), { signal: gone.signal });
    const ended = expect(refused).rejects.toThrow();
    await until(() => simulator.stats.open === 1);
    gone.abort();
    await ended;
    await until(() => simulator.stats.open === 0);
    expect(simulator.requests.at(-1)).toMatchObject({ aborted: true, tokensGenerated: 0 });
  });

  it('leaves nothing open, however many come and go', async () => {
    const served = simulator.stats.served;
    const aborted = simulator.stats.aborted;
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const model = i % 2 === 0 ? 'sim:fast' : 'sim:long';
        const stream = await sdk(simulator).messages.create({
          ...question('Explain cells', model),
          stream: true,
        });
        for await (const _event of stream) if (i % 2 === 1) break;
      }),
    );
    await until(() => simulator.stats.open === 0);
    expect(simulator.stats).toMatchObject({ open: 0, served: served + 20, aborted: aborted + 20 });
  });

  it('is cut when the simulator closes', async () => {
    const closing = await startSimulator({ pace: UNPACED });
    const stream = await sdk(closing).messages.create({ ...question('hi', 'sim:stall'), stream: true });
    const reading = (async () => {
      for await (const _event of stream);
    })();
    const cut = expect(reading).rejects.toThrow();
    await closing.close();
    await cut;
    expect(closing.stats).toMatchObject({ open: 0, connections: 0 });
  });
});
