/**
 * How every history ends: what was wrong is mended, everybody comes back and reads what they lack, half of the models
 * finish, all leave. Then each run has ended once, each row is settled, and nothing of it is left anywhere.
 */
import { expect } from 'vitest';
import { say } from './commands.ts';
import type { Device } from './device.ts';
import { ABANDON_MS, LIVE_MS, type Process, WINDOW_MS } from './machine.ts';
import { GIVEN_UP_MS, REMOTE_KEPT_MS, type Reference } from './reference.ts';
import type { World } from './world.ts';

/** What is coarser than a tick, ms. */
const MARGIN_MS = 1500;
/** Where much time passes and nothing but that happens, ms. */
const COARSE_STEP_MS = 1000;
const NOTHING = { runs: 0, connections: 0, bytes: 0, published: 0, followed: 0, openRequests: 0 };

export async function conclude(world: World): Promise<void> {
  const keptElsewhereMs = world.memory === undefined ? 0 : REMOTE_KEPT_MS;
  await mend(world);
  await comeBack(world);
  checkReaders(world);
  for (const [index, run] of world.reference.speaking.entries()) {
    if (index % 2 === 1) continue;
    say(world, run);
    run.call?.end();
  }
  await world.pass(1000);
  checkReaders(world);
  for (const device of world.devices) device.leave();
  for (const reader of world.readers) reader.hangUp();
  await world.pass(keptElsewhereMs + ABANDON_MS + MARGIN_MS, COARSE_STEP_MS);
  checkRows(world.reference);
  await world.pass(WINDOW_MS + keptElsewhereMs + MARGIN_MS, COARSE_STEP_MS);
  for (const process of world.processes) checkNothingLeft(process);
  await stop(world);
}

async function mend(world: World): Promise<void> {
  world.links('up');
  world.latency(0);
  world.mail('arrive');
  for (const { disk } of world.machines) disk.fill(false);
  for (const { socket } of world.devices) socket?.drain();
  await world.pass(world.memory === undefined ? 5000 : GIVEN_UP_MS); // drains are over by then too
  for (const machine of world.machines) if (machine.process === undefined) machine.boot();
  await world.pass(1000);
}

async function comeBack(world: World): Promise<void> {
  const { processes, reference } = world;
  reference.areDevicesSane = true;
  for (const [index, device] of world.devices.entries()) {
    device.leave();
    device.connect(processes[(index + 1) % processes.length] as Process);
    for (const { id, epoch, seq, startFrame, ending, refusal } of [...device.streams.values()]) {
      if (ending !== undefined || refusal !== undefined) continue;
      if (epoch !== undefined) {
        device.send({ type: 'resume', id, epoch, after: seq });
        world.reader(device.userId, id, processes[index % processes.length] as Process).resume(seq, epoch);
      } else if (startFrame.type === 'start') {
        device.send({ ...startFrame });
      }
    }
  }
  await world.pass(GIVEN_UP_MS);
}

function checkReaders({ reference, devices, readers }: World): void {
  for (const device of devices) checkReading(reference, device);
  for (const { id, epoch = '', seq } of readers) {
    const run = reference.byEpoch.get(epoch);
    expect(run?.isLive, `${id} by HTTP: read, and there is no ending`).toBe(true);
    expect(seq, `${id} by HTTP: deltas that were read`).toBe(run?.spoken.length);
  }
}

/** Each stream of a device is read, or has ended for it, or is gone for a reason. */
function checkReading(reference: Reference, device: Device): void {
  for (const stream of device.streams.values()) {
    const what = `${device.name}, ${stream.id}`;
    expect(stream.isAsked('resume') || stream.isAsked('start'), `${what}: a frame without an answer`).toBe(
      false,
    );
    if (stream.ending !== undefined || stream.refusal !== undefined || stream.epoch === undefined) continue;
    const run = reference.byEpoch.get(stream.epoch);
    if (run === undefined) throw new Error(`${what}: a run that no row knows`);
    if (stream.isFollowed) {
      expect(run.isLive, `${what}: followed, and there is no ending`).toBe(true);
      expect(stream.seq, `${what}: deltas that are held`).toBe(run.spoken.length);
    } else if (reference.isHeldForSure(run) && !reference.mayBeLost(run)) {
      throw new Error(`${what}: it is held, and cannot be read`);
    }
  }
}

function checkRows({ runs }: Reference): void {
  for (const { row, isSpeaking, epoch } of runs) {
    expect(isSpeaking, `${epoch} goes on without a reader`).toBe(false);
    expect(row.settlements, `${epoch}: settled once`).toBe(1);
    expect(row.status, `${epoch}: how it ended`).not.toBe('running');
  }
}

function checkNothingLeft({ name, remains, timers }: Process): void {
  expect(remains, `what ${name} holds in the end`).toEqual(NOTHING);
  expect(timers, `timers of ${name} in the end`).toBe(0);
}

/** Everything stops; the store forgets what it was told in time. */
async function stop(world: World): Promise<void> {
  for (const process of world.processes) process.drain(0);
  await world.pass(1000);
  expect(world.processes, 'processes that do not stop').toEqual([]);
  world.clock.advance(LIVE_MS + WINDOW_MS);
  const { runs, logs, live } = world.memory ?? {};
  expect([runs?.size ?? 0, logs?.size ?? 0, live?.size ?? 0], 'what the store holds in the end').toEqual([
    0, 0, 0,
  ]);
}
