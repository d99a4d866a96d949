import { expect, it } from 'vitest';
import { type Check, ok } from '../../src/doctor/line.ts';
import { type Finding, findings } from '../../src/doctor/run-checks.ts';

async function found(...checks: Check[]): Promise<Finding[]> {
  const all: Finding[] = [];
  for await (const finding of findings(checks)) all.push(finding);
  return all;
}

it('runs checks side by side, and gives their lines in order', async () => {
  const first = Promise.withResolvers<void>();
  const checks = [
    { name: 'first', run: () => first.promise.then(() => [ok('one'), ok('two')]) },
    {
      name: 'second',
      run: async () => {
        first.resolve();
        return [ok('three')];
      },
    },
  ];
  expect(await found(...checks)).toEqual([
    { check: 'first', mark: 'ok', text: 'one' },
    { check: 'first', mark: 'ok', text: 'two' },
    { check: 'second', mark: 'ok', text: 'three' },
  ]);
});

it('ends a check that gets no answer in its time, and tells it', async () => {
  let told = false;
  const silent = {
    name: 'silent',
    limitMs: 1,
    run(signal: AbortSignal) {
      signal.addEventListener('abort', () => {
        told = true;
      });
      return new Promise<never>(() => {});
    },
  };
  const [line] = await found(silent);
  expect(line).toEqual({
    check: 'silent',
    mark: 'fix',
    text: 'silent: no answer within 0.001 s: see to the network and to who answers there',
  });
  expect(told).toBe(true);
});

it('goes on where a check fails in a way of its own', async () => {
  const broken = { name: 'broken', run: () => Promise.reject(new Error('it tore')) };
  const fine = { name: 'fine', run: async () => [ok('fine')] };
  expect((await found(broken, fine)).map(({ text }) => text)).toEqual(['broken: it tore', 'fine']);
});
