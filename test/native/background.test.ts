/** An app that is put away in the middle of an answer, and opened again. */
import { afterAll, describe, expect, it } from 'vitest';
import { report } from '../support/test-run.ts';
import { type Listing, startPhoneAndRelay } from './phone-and-relay.ts';
import type { Suspension } from './stand-in/native-modules.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const AWAY = { '5 s': 5 * SECOND, '90 s': 90 * SECOND, '10 min': 10 * MINUTE } as const;
/** How long an answer that went on without the app may take to be whole, or an end to be told. */
const BACK_MS = 60 * SECOND;
const SHORT = 20;
const LONG = 300;
const STREAMS = 8;
/** What each of them tends to do. */
const PLATFORMS = { killed: 'ios', frozen: 'android' } as const;

type Setting = Awaited<ReturnType<typeof startPhoneAndRelay>>;

interface Case {
  readonly away: keyof typeof AWAY;
  /** How long the answer is, seconds. */
  readonly words: number;
  readonly socket: keyof typeof PLATFORMS;
  readonly sleeps: boolean;
  readonly ending: string;
}

/**
 * By PROTOCOL.md a run goes on for a minute without a reader, and is kept for two when it has ended. What a frozen
 * socket had got by then is still in it.
 */
function endingOf({ away, words, socket }: Omit<Case, 'ending'>): string {
  if (away === '5 s' || (words === SHORT && (away === '90 s' || socket === 'frozen'))) return 'done';
  return away === '90 s' ? 'abandoned' : 'interrupted';
}

const CASES: readonly Case[] = (['5 s', '90 s', '10 min'] as const).flatMap((away) =>
  [SHORT, LONG].flatMap((words) =>
    (['killed', 'frozen'] as const).flatMap((socket) =>
      [false, true].map((sleeps) => {
        const given = { away, words, socket, sleeps };
        return { ...given, ending: endingOf(given) };
      }),
    ),
  ),
);

const table: string[] = [];
afterAll(() => {
  if (process.env['DASH_PRINT_TABLE'] !== '1') return;
  const head =
    'away | answer | socket | timers in sleep | ending | text | told after | timers at once | connections | requests';
  report(`| ${head} |`);
  for (const row of table) report(`| ${row} |`);
});

describe.each(CASES)('away $away in an answer of $words s, socket $socket, sleeping $sleeps', (given) => {
  const { away, words, socket, sleeps, ending } = given;

  it(`tells ${STREAMS} streams “${ending}”, each once, by one connection`, async () => {
    const setting = await startPhoneAndRelay(words, { sleeps, platform: PLATFORMS[socket] });
    const { answer, core, pass } = setting;
    const { told, seen } = await askAll(setting);
    const back = await comeBack(setting, told, { awayMs: AWAY[away], socket });
    const endings = () => told.flatMap((each) => each.endings);
    const waited = await pass(words * SECOND + BACK_MS, () => endings().length >= STREAMS);
    await pass(5 * SECOND); // whatever would come twice

    for (const [index, { stream, chunks, endings }] of told.entries()) {
      expect(endings).toEqual([ending]);
      expect(stream.content).toBe(chunks.join(''));
      expect(stream.content.startsWith(seen[index] ?? '?')).toBe(true);
      expect(answer.startsWith(stream.content)).toBe(true);
      if (ending === 'done') expect(stream.content).toBe(answer);
    }
    expect(core.upstream.calls).toHaveLength(STREAMS);
    expect(back.connections()).toBeLessThanOrEqual(1);
    expect(back.requests()).toBeLessThanOrEqual(1);
    expect(back.fired).toBeLessThanOrEqual(STREAMS + 2); // of each a part of its deadline, which counts awake time
    const { length } = told[0]?.stream.content ?? '';
    const cells = [away, `${words} s`, socket, sleeps ? 'stand still' : 'go on', ending];
    const text = `${Math.round((100 * length) / answer.length)} %`;
    table.push(
      [...cells, text, `${waited / SECOND} s`, back.fired, back.connections(), back.requests()].join(' | '),
    );
  });
});

it('tells each stream once that its time is over, though all are due at once', async () => {
  const setting = await startPhoneAndRelay(LONG, { deadlineMs: MINUTE });
  const { told } = await askAll(setting);
  const back = await comeBack(setting, told, { awayMs: AWAY['5 s'], socket: 'killed' });
  await setting.pass(MINUTE + BACK_MS);
  expect(told.map(({ endings }) => endings)).toEqual(Array(STREAMS).fill(['deadline_exceeded']));
  expect(back.fired).toBeLessThanOrEqual(STREAMS + 2);
  expect(back.connections()).toBeLessThanOrEqual(1);
});

it('goes on by one connection where the app comes back in another network', async () => {
  const setting = await startPhoneAndRelay(SHORT, { platform: 'ios' });
  const { told } = await askAll(setting);
  const back = await comeBack(setting, told, { awayMs: AWAY['5 s'], socket: 'killed' });
  setting.phone.moveTo('none');
  await setting.pass(3 * SECOND);
  setting.phone.moveTo('cellular');
  await setting.pass(BACK_MS);
  for (const { stream, endings } of told) {
    expect(endings).toEqual(['done']);
    expect(stream.content).toBe(setting.answer);
  }
  expect(back.connections()).toBe(1);
});

it.each([
  ['5 s', 1],
  ['10 min', 2], // the run is gone, and no text was shown
] as const)(
  'asks for a JSON answer again whose request died without a word, away %s',
  async (away, calls) => {
    const { answer, ask, core, pass, phone } = await startPhoneAndRelay(SHORT, { transports: ['json'] });
    const { chunks, endings } = await ask();
    await pass(5 * SECOND);
    phone.suspend('killed');
    await pass(AWAY[away]);
    phone.resume();
    await pass(BACK_MS, () => endings.length > 0);
    expect(endings).toEqual(['done']);
    expect(chunks).toEqual([answer]);
    expect(core.upstream.calls).toHaveLength(calls);
  },
);

/** All in the middle of their answers. */
async function askAll({ ask, pass }: Setting) {
  const told: Listing[] = [];
  for (let count = 0; count < STREAMS; count++) told.push(await ask());
  await pass(5 * SECOND);
  const seen = told.map(({ stream }) => stream.content);
  for (const text of seen) expect(text).toMatch(/^word0 .*word3 /);
  return { told, seen };
}

/** Away, and back at this instant. What is counted since then. */
async function comeBack(
  { phone, pass }: Setting,
  told: readonly Listing[],
  { awayMs, socket }: { readonly awayMs: number; readonly socket: Suspension },
) {
  phone.suspend(socket);
  await pass(awayMs);
  expect(told.flatMap(({ endings }) => endings)).toEqual([]);
  const { fired } = phone.clock;
  const { connects, requests } = phone.native;
  const before = { connects: connects.length, requests: requests.length };
  phone.resume();
  return {
    /** Timers that were due, at once. */
    fired: phone.clock.fired - fired,
    connections: () => connects.length - before.connects,
    requests: () => requests.length - before.requests,
  };
}
