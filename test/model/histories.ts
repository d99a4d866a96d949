/** Random histories by what may happen in them, and how one is played to its end. */
import fc from 'fast-check';
import { type Name, type Parameters, Step } from './commands.ts';
import { conclude } from './conclusion.ts';
import { type Turns, World } from './world.ts';

export interface Kind {
  readonly machines: readonly number[];
  readonly commands: fc.Arbitrary<fc.AsyncCommand<World, World>>;
}

type Weighted = fc.WeightedArbitrary<fc.AsyncCommand<World, World>>;

const MOST_COMMANDS = 40;

const device = fc.nat(3);
const machine = fc.nat(2);
const id = fc.nat(2);
const run = fc.nat(5);

const turns: fc.Arbitrary<Turns> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Turns>('rest') },
  { weight: 3, arbitrary: fc.constantFrom<Turns>(0, 1, 2) },
);

function step<N extends Name>(
  weight: number,
  name: N,
  parameters: { readonly [K in keyof Parameters[N]]: fc.Arbitrary<Parameters[N][K]> },
): Weighted {
  const values = fc.record(parameters) as fc.Arbitrary<Parameters[N]>;
  const arbitrary = fc.tuple(values, turns).map(([drawn, after]) => new Step(name, drawn, after));
  return { weight, arbitrary };
}

const CLIENTS: readonly Weighted[] = [
  step(6, 'open', { device, machine }),
  step(3, 'leave', { device, how: fc.constantFrom('closed', 'cut', 'silent') }),
  step(8, 'start', { device, id, model: fc.constantFrom(0, 0, 0, 1) }),
  step(7, 'resume', {
    device,
    id,
    after: fc.constantFrom('held', 'zero', 'half', 'future'),
    epoch: fc.constantFrom('right', 'right', 'right', 'wrong', 'foreign'),
  }),
  step(2, 'ack', { device, id, seq: fc.constantFrom('held', 'half', 'future') }),
  step(3, 'cancel', { device, id }),
  step(2, 'ask', { device, machine, id }),
  step(3, 'read', { device, machine, id, after: fc.constantFrom('held', 'zero', 'half') }),
  step(1, 'hangUp', { reader: fc.nat(3) }),
  step(1, 'takeNothing', { device }),
  step(1, 'takeAll', { device }),
];

const MODEL: readonly Weighted[] = [
  step(12, 'say', {
    run,
    deltas: fc.integer({ min: 1, max: 4 }),
    isLarge: fc.constantFrom(...Array<boolean>(7).fill(false), true),
  }),
  step(3, 'end', { run, how: fc.constantFrom('done', 'failed') }),
  step(6, 'wait', { ms: fc.constantFrom(50, 100, 200, 500, 1000, 2500, 5000, 8000, 15_000, 25_000) }),
];

const MACHINES: readonly Weighted[] = [
  step(2, 'kill', { machine, lastArrives: fc.boolean() }),
  step(3, 'boot', { machine }),
  step(1, 'drain', { machine, deadlineMs: fc.constantFrom(0, 500, 3000) }),
  step(1, 'disk', { machine, full: fc.boolean() }),
];

const MAIL = step(3, 'mail', {
  machine,
  state: fc.constantFrom('arrive', 'arrive', 'wait', 'lost', 'twice'),
});

const STORE: readonly Weighted[] = [
  step(4, 'link', { machine, state: fc.constantFrom('up', 'up', 'away', 'frozen', 'mute') }),
  step(3, 'redis', { state: fc.constantFrom('up', 'up', 'away', 'frozen', 'mute') }),
  step(2, 'latency', { machine, ms: fc.constantFrom(0, 30, 300, 900) }),
  step(4, 'replicate', {}),
  step(3, 'failOver', {}),
];

/** One machine, which may die and come back. */
export const ALONE: Kind = { machines: [1], commands: fc.oneof(...CLIENTS, ...MODEL, ...MACHINES) };

/** Several over a store that works; what they tell each other may come late, twice or never. */
export const TOGETHER: Kind = {
  machines: [2, 3],
  commands: fc.oneof(...CLIENTS, ...MODEL, ...MACHINES, MAIL),
};

/** Several over a store that is away, frozen, slow, one-sided, or replaced by what a replica had. */
export const AT_FAULT: Kind = {
  machines: [2, 3],
  commands: fc.oneof(...CLIENTS, ...MODEL, ...MACHINES, MAIL, ...STORE),
};

type Options = Pick<fc.Parameters, 'endOnFailure'> & { readonly count: number; readonly seed: number };

/** Plays so many histories of a kind; of one that breaks a promise, the shortest. */
export async function playHistories({ machines, commands }: Kind, { count, ...options }: Options) {
  const history = fc.commands<World, World, false>([commands], { maxCommands: MOST_COMMANDS, size: 'max' });
  const property = fc.asyncProperty(fc.constantFrom(...machines), history, play);
  return await fc.check(property, { numRuns: count, includeErrorInReport: true, ...options });
}

export async function play(machines: number, steps: Iterable<fc.AsyncCommand<World, World>>): Promise<void> {
  const world = new World(machines);
  await world.begin();
  await fc.asyncModelRun(() => ({ model: world, real: world }), steps);
  await conclude(world);
}
