/** Android in the background: the app still hears its sockets, but its timers stand still, and with them acks and pings. */
import { expect, it } from 'vitest';
import { startPhoneAndRelay } from './phone-and-relay.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const WORDS = 300;

it.each([
  ['90 s', 90 * SECOND],
  ['10 min', 10 * MINUTE],
])('goes on with the answer as it comes, away %s, and tells its end once', async (_, awayMs) => {
  const { answer, ask, core, pass, phone } = await startPhoneAndRelay(WORDS);
  const { chunks, endings } = await ask();
  await pass(5 * SECOND);
  const { fired } = phone.clock;
  phone.suspend('awake');
  await pass(awayMs);
  expect(chunks.join('').length).toBeGreaterThan(answer.length / 4);
  expect(phone.clock.fired).toBe(fired);
  phone.resume();
  expect(phone.clock.fired - fired).toBeLessThanOrEqual(3);
  await pass(WORDS * SECOND, () => endings.length > 0);
  await pass(5 * SECOND); // whatever would come twice
  expect(endings).toEqual(['done']);
  expect(chunks.join('')).toBe(answer);
  expect(phone.native.connects).toHaveLength(1);
  expect(core.upstream.calls).toHaveLength(1);
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
