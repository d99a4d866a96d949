import { describe, expect, it } from 'vitest';
import { DOORS } from '../support/doors.ts';
import { ask, type ChatBody } from '../support/http-doors.ts';
import { startSimulatedRelay } from '../support/relay-process.ts';

const PACE = { firstTokenMs: 20, deltasPerSecond: 1000 } as const;

function question(fields: Partial<ChatBody> = {}): ChatBody {
  return {
    id: 'one-question-for-every-door',
    action: 'chat',
    messages: [{ role: 'user', content: 'What is a fraction?' }],
    ...fields,
  };
}

const PAIRS = DOORS.flatMap((first) =>
  DOORS.map((second) => ({ first, second, names: `${first.name}, ${second.name}` })),
);

describe.each(DOORS)('at the door "$name"', (door) => {
  it('a question is answered whole, with its receipt', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    relay.simulator.always({ deltas: ['A fraction ', 'is ', '½ 🍕.'] });
    const held = await door.ask(relay.url, await relay.token(), question());
    expect(held).toMatchObject({ text: 'A fraction is ½ 🍕.', ending: 'done', stopReason: 'end_turn' });
    expect(held.usage).toMatchObject({
      source: 'final',
      outputTokens: relay.simulator.requests[0]?.usage?.outputTokens,
    });
  });

  it.each([
    ['events that the action does not show', question({ events: 'all' }), 'forbidden'],
    ['no message', question({ messages: [] }), 'bad_request'],
    [
      'a URL for an image',
      {
        ...question(),
        messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'http://x' } }] }],
      },
      'unsupported',
    ],
    ['too large a context', question({ context: 'x'.repeat(17_000) }), 'too_large'],
  ] as const)('%s is refused, and nothing is called or billed', async (_what, body, code) => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const held = await door.ask(relay.url, await relay.token(), body as ChatBody);
    expect(held).toMatchObject({ text: '', ending: code });
    expect(relay.simulator.requests).toHaveLength(0);
    expect(await relay.usageRows()).toEqual([]);
  });

  it.each([
    ['sim:overloaded-midway', 'upstream_overloaded'],
    ['sim:truncate', 'upstream_truncated'],
    ['sim:bad-request', 'upstream_refused'],
  ] as const)('a model that fails (%s) is told by its code, with the text so far', async (model, code) => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const held = await door.ask(relay.url, await relay.token(), question({ model }));
    expect(held.ending).toBe(code);
    expect(held.text === '').toBe(model === 'sim:bad-request');
    expect(await relay.usageRows()).toMatchObject([{ status: 'error', code }]);
  });

  it('a stream that is cancelled over HTTP ends as cancelled, with the text so far', async () => {
    await using relay = await startSimulatedRelay({ pace: { firstTokenMs: 5, deltasPerSecond: 100 } });
    const token = await relay.token();
    const answer = door.ask(relay.url, token, question({ model: 'sim:stall' }));
    await relay.logged('stream started');
    const { body } = await ask(`${relay.url}/v1/streams/${question().id}`, { method: 'DELETE', token });
    const held = await answer;
    expect(held.ending).toBe('cancelled');
    expect(JSON.parse(body)).toMatchObject({ type: 'cancelled', textLength: held.text.length });
  });
});

describe.each(PAIRS)('one question at two doors: $names', ({ first, second }) => {
  it.each(['live', 'ended'] as const)(
    'a run that is %s is read by both: same text, one call, one row',
    async (state) => {
      await using relay = await startSimulatedRelay({ pace: PACE });
      const token = await relay.token();
      const one = first.ask(relay.url, token, question());
      await (state === 'ended' ? one : relay.logged('stream started'));
      const two = await second.ask(relay.url, token, question());
      expect(two).toMatchObject({ ending: 'done', text: (await one).text });
      expect(two.text.length).toBeGreaterThan(20);
      expect(relay.simulator.requests).toHaveLength(1);
      expect(await relay.usageRows()).toMatchObject([{ status: 'done', source: 'final', ...two.usage }]);
    },
  );

  it('another question under the same id is a conflict, and the first is unharmed', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const token = await relay.token();
    const one = first.ask(relay.url, token, question());
    await relay.logged('stream started');
    const other = question({ messages: [{ role: 'user', content: 'Something else.' }] });
    expect(await second.ask(relay.url, token, other)).toMatchObject({ text: '', ending: 'conflict' });
    expect(await one).toMatchObject({ ending: 'done' });
    expect(relay.simulator.requests).toHaveLength(1);
  });
});
