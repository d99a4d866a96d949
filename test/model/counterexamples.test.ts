/** The shortest histories that broke a promise once. */
import { expect, it } from 'vitest';
import { Step } from './commands.ts';
import { play } from './histories.ts';
import { World } from './world.ts';

it.each<[string, number, readonly Step[]]>([
  [
    'who starts a run that another machine has, and whose beginning is lost before it is known here, gets a gap and not only its ending',
    2,
    [
      new Step('ask', { device: 2, machine: 0, id: 0 }, 'rest'),
      new Step('say', { run: 0, deltas: 3, isLarge: true }, 'rest'),
      new Step('start', { device: 3, id: 0, model: 0 }, 0),
      new Step('cancel', { device: 3, id: 0 }, 'rest'),
    ],
  ],
  [
    'two who resume a run on another machine before that one has heard of its beginning: the second waits as the first',
    2,
    [
      new Step('open', { device: 0, machine: 1 }, 'rest'),
      new Step('mail', { machine: 1, state: 'wait' }, 'rest'),
      new Step('start', { device: 0, id: 1, model: 0 }, 'rest'),
      new Step('read', { device: 0, machine: 0, id: 1, after: 'held' }, 0),
      new Step('open', { device: 0, machine: 0 }, 'rest'),
      new Step('resume', { device: 0, id: 1, after: 'held', epoch: 'right' }, 'rest'),
    ],
  ],
  [
    'a caller by HTTP who holds more than a dead machine left: the ending comes after what it holds',
    2,
    [
      new Step('start', { device: 0, id: 0, model: 0 }, 'rest'),
      new Step('wait', { ms: 1000 }, 'rest'),
      new Step('say', { run: 0, deltas: 1, isLarge: false }, 'rest'),
      new Step('kill', { machine: 0, lastArrives: true }, 'rest'),
    ],
  ],
  [
    'a failover that no command notices, which lost what a run is known by: others find it again',
    2,
    [
      new Step('replicate', {}, 'rest'),
      new Step('start', { device: 0, id: 0, model: 0 }, 'rest'),
      new Step('wait', { ms: 50 }, 'rest'),
      new Step('failOver', {}, 'rest'),
    ],
  ],
  [
    'a cancel and a resume in one turn: the ending comes after the text',
    1,
    [
      new Step('ask', { device: 0, machine: 0, id: 0 }, 'rest'),
      new Step('say', { run: 0, deltas: 1, isLarge: false }, 'rest'),
      new Step('cancel', { device: 1, id: 0 }, 0),
      new Step('resume', { device: 1, id: 0, after: 'held', epoch: 'right' }, 0),
    ],
  ],
  [
    'a cancel of a run whose machine was killed: what was read of it is given back',
    2,
    [
      new Step('ask', { device: 2, machine: 1, id: 1 }, 2),
      new Step('say', { run: 0, deltas: 1, isLarge: false }, 'rest'),
      new Step('wait', { ms: 50 }, 'rest'),
      new Step('kill', { machine: 1, lastArrives: false }, 0),
      new Step('cancel', { device: 2, id: 1 }, 'rest'),
    ],
  ],
  [
    'a machine that others gave up, with a reader of its own: its run has one ending for all',
    2,
    [
      new Step('start', { device: 0, id: 0, model: 0 }, 'rest'),
      new Step('resume', { device: 1, id: 0, after: 'zero', epoch: 'right' }, 'rest'),
      new Step('link', { machine: 0, state: 'away' }, 'rest'),
      new Step('wait', { ms: 8000 }, 'rest'),
    ],
  ],
  [
    'a run that ends while its machine is cut off from those who read it elsewhere',
    2,
    [
      new Step('start', { device: 0, id: 0, model: 0 }, 'rest'),
      new Step('resume', { device: 1, id: 0, after: 'zero', epoch: 'right' }, 'rest'),
      new Step('link', { machine: 0, state: 'away' }, 'rest'),
      new Step('wait', { ms: 1000 }, 'rest'),
      new Step('end', { run: 0, how: 'done' }, 'rest'),
      new Step('wait', { ms: 8000 }, 'rest'),
    ],
  ],
  [
    'an ending that its machine could not publish in time: who asks for it is told no other',
    2,
    [
      new Step('start', { device: 0, id: 0, model: 0 }, 'rest'),
      new Step('resume', { device: 1, id: 0, after: 'zero', epoch: 'right' }, 'rest'),
      new Step('redis', { state: 'away' }, 'rest'),
      new Step('wait', { ms: 1000 }, 'rest'),
      new Step('end', { run: 0, how: 'done' }, 'rest'),
      new Step('wait', { ms: 25_000 }, 'rest'),
    ],
  ],
  [
    'who asks for a delta that there is not yet, of a run that its machine itself interrupts, gets a gap',
    2,
    [
      new Step('start', { device: 0, id: 0, model: 0 }, 'rest'),
      new Step('drain', { machine: 0, deadlineMs: 0 }, 0),
      new Step('resume', { device: 1, id: 0, after: 'future', epoch: 'right' }, 'rest'),
    ],
  ],
  [
    'who asks for a delta that there is not, of a run whose machine was killed: the ending comes after that',
    2,
    [
      new Step('ask', { device: 0, machine: 0, id: 1 }, 'rest'),
      new Step('wait', { ms: 50 }, 'rest'),
      new Step('kill', { machine: 0, lastArrives: false }, 'rest'),
      new Step('resume', { device: 1, id: 1, after: 'future', epoch: 'right' }, 0),
    ],
  ],
  [
    'a run whose log was begun anew after what is read elsewhere, and whose machine was killed then: a gap, and no waiting for ever',
    2,
    [
      new Step('start', { device: 1, id: 0, model: 0 }, 0),
      new Step('read', { device: 0, machine: 0, id: 0, after: 'held' }, 'rest'),
      new Step('redis', { state: 'mute' }, 'rest'),
      new Step('say', { run: 0, deltas: 3, isLarge: true }, 'rest'),
      new Step('end', { run: 0, how: 'done' }, 0),
      new Step('kill', { machine: 1, lastArrives: false }, 'rest'),
      new Step('hangUp', { reader: 0 }, 0),
    ],
  ],
  [
    'a run that others follow, and that ends in an outage longer than it is kept: nothing of it is left',
    2,
    [
      new Step('start', { device: 0, id: 0, model: 0 }, 'rest'),
      new Step('resume', { device: 1, id: 0, after: 'zero', epoch: 'right' }, 'rest'),
      new Step('redis', { state: 'away' }, 'rest'),
      new Step('end', { run: 0, how: 'done' }, 'rest'),
      new Step('wait', { ms: 40_000 }, 'rest'),
    ],
  ],
  [
    'a cancel whose machine reads only the ending, and then all since the owner is silent',
    2,
    [
      new Step('latency', { machine: 1, ms: 300 }, 'rest'),
      new Step('start', { device: 2, id: 0, model: 0 }, 'rest'),
      new Step('cancel', { device: 3, id: 0 }, 'rest'),
      new Step('say', { run: 0, deltas: 1, isLarge: false }, 'rest'),
      new Step('end', { run: 0, how: 'done' }, 'rest'),
      new Step('wait', { ms: 15_000 }, 0),
    ],
  ],
  [
    'the way to the store breaks between its word that nobody has ended a run and the arrival of the ending',
    2,
    [
      new Step('start', { device: 2, id: 2, model: 0 }, 'rest'),
      new Step('start', { device: 3, id: 2, model: 0 }, 'rest'),
      new Step('latency', { machine: 0, ms: 900 }, 0),
      new Step('end', { run: 0, how: 'done' }, 'rest'),
      new Step('link', { machine: 0, state: 'frozen' }, 'rest'),
      new Step('wait', { ms: 8000 }, 'rest'),
    ],
  ],
  [
    'who starts a run by HTTP whose machine was killed before it began, over a slow store, gets an answer',
    3,
    [
      new Step('start', { device: 0, id: 2, model: 0 }, 'rest'),
      new Step('kill', { machine: 0, lastArrives: false }, 'rest'),
      new Step('latency', { machine: 2, ms: 30 }, 'rest'),
      new Step('ask', { device: 0, machine: 2, id: 2 }, 0),
      new Step('wait', { ms: 15_000 }, 'rest'),
    ],
  ],
  [
    'who resumes, however late, what a machine had claimed and died with before it began: that one is given up first',
    2,
    [
      new Step('start', { device: 2, id: 1, model: 0 }, 0),
      new Step('kill', { machine: 0, lastArrives: false }, 'rest'),
      new Step('wait', { ms: 15_000 }, 'rest'),
      new Step('resume', { device: 3, id: 1, after: 'held', epoch: 'right' }, 'rest'),
    ],
  ],
  [
    'two equal starts on one machine, which cannot ask the others in time: one run',
    2,
    [
      new Step('redis', { state: 'mute' }, 'rest'),
      new Step('start', { device: 2, id: 2, model: 0 }, 0),
      new Step('ask', { device: 2, machine: 0, id: 2 }, 0),
    ],
  ],
])('%s', async (_what, machines, steps) => {
  await expect(play(machines, steps)).resolves.toBeUndefined();
});

it('and that answer comes while the store is still slower than the looks at a run that does not begin', async () => {
  const world = new World(2);
  await world.begin();
  const [device, machine] = [world.device(0), world.machine(1)];
  await new Step('start', { device: 0, id: 0, model: 0 }, 'rest').run(world);
  world.kill(world.machine(0), false);
  world.latency(200, machine);
  await new Step('ask', { device: 0, machine: 1, id: 0 }, 'rest').run(world);
  const [reader] = world.readers;
  await world.pass(15_000, 50);
  expect(device.userId).toBe(reader?.userId);
  expect([reader?.isOpen, reader?.failure]).not.toEqual([false, undefined]);
});
