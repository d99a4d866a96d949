import { expect, it } from 'vitest';
import { LONG } from '../support/test-run.ts';
import { startMachines, tokenOf } from './machines.ts';

const EVENTUALLY = 120_000;
const STREAMS = 5;
/** Minutes. */
const DAY = 24 * 60;
/** And a little more; no token lives for longer than a month. */
const TWO_WEEKS_SECONDS = 14.5 * 86_400;

/** The wall clock of a process of its own, so many minutes wrong. */
function skewed(minutes: number) {
  const shift = `const now = Date.now; Date.now = () => now() + ${minutes * 60_000};`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shift)}` };
}

it.each([['four weeks', 14 * DAY] as const, ...(LONG ? [['twenty minutes', 10] as const] : [])])(
  'machines whose clocks are %s apart serve each other, for longer than a lease',
  {
    timeout: EVENTUALLY,
  },
  async (_apart, minutes) => {
    await using machines = await startMachines(0, { pace: { firstTokenMs: 20, deltasPerSecond: 10 } });
    const [early, late] = await Promise.all([
      machines.launch(skewed(-minutes)),
      machines.launch(skewed(minutes)),
    ]);
    const clocks = [early, late].map((relay) => Date.parse(String(relay.logLines[0]?.['time'])));
    expect(Math.abs((clocks[1] ?? 0) - (clocks[0] ?? 0))).toBeGreaterThan(1.5 * minutes * 60_000);
    const token = tokenOf(1, 'enterprise', TWO_WEEKS_SECONDS); // good by both clocks
    const [here, there] = [machines.client(early, { token }), machines.client(late, { token })];
    await Promise.all([here.connect(), there.connect()]);
    const streams = Array.from({ length: STREAMS }, () => here.start());
    for (const stream of streams) await here.accepted(stream);
    const adopted = streams.map((stream) => there.adopt(stream));
    for (const stream of adopted) there.resume(stream, 0);
    for (const [index, stream] of adopted.entries()) {
      expect(await there.ended(stream)).toMatchObject({ type: 'done' });
      expect(stream.text).toBe(streams[index]?.text);
    }
  },
);
