/** Both ends of a channel, with what passes between them as it does between processes. */
import { expect, it } from 'vitest';
import { Channel, type Link } from '../../src/workers/channel.ts';
import { ManualClock } from '../support/manual-clock.ts';

interface Asked {
  readonly questions: {
    readonly sum: number;
    readonly fails: number;
    readonly throws: number;
    readonly unsendable: number;
    readonly never: number;
  };
  readonly news: { readonly signal: string };
}
interface Asks {
  readonly questions: Readonly<Record<string, never>>;
  readonly news: Readonly<Record<string, never>>;
}

function ends() {
  const clock = new ManualClock();
  const receivers: ((message: unknown) => void)[] = [];
  const link = (own: number): Link => ({
    send: (message) => receivers[1 - own]?.(structuredClone(message)),
    listen: (receive) => {
      receivers[own] = receive;
    },
  });
  const heard: string[] = [];
  const asker = new Channel<Asked, Asks>(link(0), clock, {}, {});
  new Channel<Asks, Asked>(
    link(1),
    clock,
    { signal: (name) => heard.push(name) },
    {
      sum: async () => Number.NaN,
      fails: () => Promise.reject(new Error('a fault of this end')),
      throws: () => {
        throw new Error('before it waits for anything');
      },
      unsendable: () => Promise.resolve((() => {}) as unknown as number),
      never: () => new Promise(() => {}),
    },
  );
  return { clock, asker, heard };
}

it('asks and is answered, what is no number too; news have no answer', async () => {
  const { asker, heard } = ends();
  expect(await asker.ask('sum', 1000)).toBeNaN();
  asker.tell('signal', 'SIGHUP');
  expect(heard).toEqual(['SIGHUP']);
});

it('what cannot be answered, or not in time, or of an end that is gone, is undefined', async () => {
  const { clock, asker } = ends();
  for (const name of ['fails', 'throws', 'unsendable'] as const)
    expect(await asker.ask(name, 1000), name).toBeUndefined();
  const late = asker.ask('never', 1000);
  const gone = asker.ask('never', 10_000);
  clock.advance(1000);
  expect(await late).toBeUndefined();
  asker.close();
  expect(await gone).toBeUndefined();
  expect(clock.pending).toBe(0);
});
