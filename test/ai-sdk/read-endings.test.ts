/** What proves that somebody holds an answer's ending, by HTTP. */
import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { ReadEndings } from '../../src/http/ai-sdk/read-endings.ts';
import { ALICE, BOB } from '../support/core.ts';

function requestOn(socket: object, headers: object = {}): IncomingMessage {
  return { socket, headers } as IncomingMessage;
}

it('a later request of the same user on the same connection does', () => {
  const read = new ReadEndings(false);
  const socket = {};
  read.asked(requestOn(socket), ALICE);
  read.written(requestOn(socket), ALICE, 'epoch');
  expect(read.has('epoch')).toBe(false);
  read.asked(requestOn({}), ALICE);
  expect(read.has('epoch')).toBe(false);
  read.asked(requestOn(socket), ALICE);
  expect(read.has('epoch')).toBe(true);
});

it('another user’s does not, and shows that the connection is of something on the way: nothing is proven by it any more', () => {
  const read = new ReadEndings(false);
  const socket = {};
  read.written(requestOn(socket), ALICE, 'epoch');
  read.asked(requestOn(socket), BOB);
  read.asked(requestOn(socket), ALICE);
  read.written(requestOn(socket), ALICE, 'another');
  read.asked(requestOn(socket), ALICE);
  expect([read.has('epoch'), read.has('another')]).toEqual([false, false]);
});

it.each([
  ['a trusted proxy', true, {}],
  ['a proxy that says so', false, { via: '1.1 proxy' }],
])('nothing by %s does', (_what, trustsProxy, headers) => {
  const read = new ReadEndings(trustsProxy);
  const socket = {};
  read.written(requestOn(socket, headers), ALICE, 'epoch');
  read.asked(requestOn(socket, headers), ALICE);
  expect(read.has('epoch')).toBe(false);
});
