/** Those who wait for one stream at the JSON door, with the core in memory behind real sockets. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createCore } from '../support/core.ts';
import { settled } from '../support/quiet.ts';
import { exchange, openRaw, type RawClient } from './raw-client.ts';
import { ALICE, startServer } from './start-server.ts';

const BODY = JSON.stringify({
  id: 's1',
  action: 'chat',
  onDisconnect: 'cancel',
  messages: [{ role: 'user', content: 'hi' }],
});
const request = [
  'POST /v1/chat HTTP/1.1',
  'Host: relay.example',
  'Authorization: Bearer alice',
  'Content-Type: application/json',
  `Content-Length: ${BODY.length}`,
  'Connection: close',
  '',
  BODY,
].join('\r\n');

async function startDoor() {
  const core = createCore();
  const { port } = await startServer({ routes: { relay: core.relay, clock: core.clock } });
  const followers = () => core.relay.registry.find(ALICE, 's1')?.readers.size;
  const wait = async (): Promise<RawClient> => (await openRaw(port)).send(request);
  return { ...core, port, followers, wait };
}

const contentOf = (text: string) =>
  (JSON.parse(text.slice(text.indexOf('{'))) as { content: string }).content;

it('read it once, and all get the whole of it, also who came late and when the first has left', async () => {
  const { upstream, followers, wait, port } = await startDoor();
  const first = await wait();
  while (upstream.calls.length === 0) await nextTurn();
  const call = upstream.last;
  call.text('one ', 'two ');
  const second = await wait();
  const third = await wait();
  await exchange(port, request.replace('alice', 'nobody'));
  await settled();
  expect(followers()).toBe(1);
  first.socket.destroy();
  await exchange(port, request.replace('alice', 'nobody'));
  call.text('three');
  await settled();
  expect(followers()).toBe(1);
  call.end('end_turn');
  const texts = [await second.untilClosed(), await third.untilClosed()];
  expect(texts.map(contentOf)).toEqual(['one two three', 'one two three']);
});

it('are its reader together: when the last has left, nobody reads', async () => {
  const { upstream, wait, port } = await startDoor();
  const waiting = [await wait(), await wait()];
  while (upstream.calls.length === 0) await nextTurn();
  upstream.last.text('one ');
  for (const { socket } of waiting) {
    await exchange(port, request.replace('alice', 'nobody'));
    expect(upstream.last.signal.aborted).toBe(false);
    socket.destroy();
  }
  while (!upstream.last.signal.aborted) await nextTurn();
  expect(upstream.calls).toHaveLength(1);
});
