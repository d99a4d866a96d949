import { expect, it } from 'vitest';
import { startMachines } from './machines.ts';

const EVENTUALLY = 40_000;
const STREAMS = 5;

/** The wall clock of a process of its own, so many minutes wrong. */
function skewed(minutes: number) {
  const shift = `const now = Date.now; Date.now = () => now() + ${minutes * 60_000};`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shift)}` };
}

it('machines whose clocks are twenty minutes apart serve each other, for longer than a lease', {
  timeout: EVENTUALLY,
}, async () => {
  await using machines = await startMachines(0, { pace: { firstTokenMs: 20, deltasPerSecond: 10 } });
  const [early, late] = await Promise.all([machines.launch(skewed(-10)), machines.launch(skewed(10))]);
  const clocks = [early, late].map((relay) => Date.parse(String(relay.logLines[0]?.['time'])));
  expect(Math.abs((clocks[1] ?? 0) - (clocks[0] ?? 0))).toBeGreaterThan(15 * 60_000);
  const [here, there] = [machines.client(early), machines.client(late)];
  await Promise.all([here.connect(), there.connect()]);
  const streams = Array.from({ length: STREAMS }, () => here.start());
  for (const stream of streams) await here.accepted(stream);
  const adopted = streams.map((stream) => there.adopt(stream));
  for (const stream of adopted) there.resume(stream, 0);
  for (const [index, stream] of adopted.entries()) {
    expect(await there.ended(stream)).toMatchObject({ type: 'done' });
    expect(stream.text).toBe(streams[index]?.text);
  }
});
