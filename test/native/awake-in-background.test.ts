/** Android in the background: the app still hears its sockets, but its timers stand still, and with them acks and pings. */
import { expect, it } from 'vitest';
import { report } from '../support/test-run.ts';
import { startPhoneAndRelay } from './phone-and-relay.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const WORDS = 300;

it.each([
  ['5 s', 5 * SECOND],
  ['90 s', 90 * SECOND],
  ['10 min', 10 * MINUTE],
])('goes on with the answer as it comes, away %s, and tells its end once', async (away, awayMs) => {
  const { answer, ask, core, pass, phone } = await startPhoneAndRelay(WORDS);
  const { chunks, endings } = await ask();
  await pass(5 * SECOND);
  const { fired } = phone.clock;
  phone.suspend('awake');
  await pass(awayMs);
  expect(chunks.length).toBeGreaterThan(Math.min(awayMs / SECOND, WORDS) * 0.9);
  expect(phone.clock.fired).toBe(fired);
  phone.resume();
  const due = phone.clock.fired - fired;
  expect(due).toBeLessThanOrEqual(3);
  await pass(WORDS * SECOND, () => endings.length > 0);
  await pass(5 * SECOND); // whatever would come twice
  expect(endings).toEqual(['done']);
  expect(chunks.join('')).toBe(answer);
  expect(phone.native.connects).toHaveLength(1);
  expect(core.upstream.calls).toHaveLength(1);
  if (process.env['DASH_PRINT_TABLE'] === '1')
    report(
      `| ${away} | ${WORDS} s | awake | go on | ${endings} | ${due} timers at once | no other connection |`,
    );
});

it('waits with a lost connection until it is in front again', async () => {
  const { answer, ask, core, pass, phone } = await startPhoneAndRelay(WORDS);
  const { chunks, endings, stream } = await ask();
  await pass(5 * SECOND);
  phone.suspend('awake');
  phone.native.cut();
  await pass(30 * SECOND);
  expect(stream.phase).toBe('reconnecting');
  expect(phone.native.connects).toHaveLength(1);
  phone.resume();
  await pass(WORDS * SECOND, () => endings.length > 0);
  expect(endings).toEqual(['done']);
  expect(chunks.join('')).toBe(answer);
  expect(phone.native.connects).toHaveLength(2);
  expect(core.upstream.calls).toHaveLength(1);
});
