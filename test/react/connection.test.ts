import { expect, it } from 'vitest';
import type { Signal } from '../../src/client/index.ts';
import { ConnectionStore } from '../../src/react/store/connection-store.ts';
import { Conversations } from '../../src/react/store/conversations.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { FakeClient } from './fake-client.ts';
import { manualFrames } from './manual-frames.ts';

/** Longer than an ordinary reconnection, ms. */
const PATIENCE_MS = 8000;

function setUp() {
  const client = new FakeClient();
  const clock = new ManualClock();
  const frames = manualFrames();
  const conversations = new Conversations({ client, frames, clock });
  conversations.open();
  const listeners = new Set<(signal: Signal) => void>();
  const connection = new ConnectionStore(
    conversations,
    frames,
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    clock,
  );
  connection.open();
  return {
    client,
    clock,
    connection,
    ask: () => conversations.get('one').send('Why?', { action: 'chat' }),
    signal(what: Signal) {
      for (const listener of listeners) listener(what);
    },
    /** As it is drawn. */
    state() {
      frames.draw();
      return connection.getSnapshot();
    },
  };
}

it('knows what its source tells at once', () => {
  const frames = manualFrames();
  const conversations = new Conversations({ client: new FakeClient(), frames });
  const connection = new ConnectionStore(conversations, frames, (listener) => {
    listener('offline');
    return () => {};
  });
  connection.open();
  frames.draw();
  expect(connection.getSnapshot()).toBe('offline');
});

it('waits for the network once an answer has been away for longer than a reconnection takes', () => {
  const { client, clock, state, ask } = setUp();
  ask();
  client.latest.accept().say('Because').enter('reconnecting');
  expect(state()).toBe('reconnecting');
  clock.advance(PATIENCE_MS - 1);
  expect(state()).toBe('reconnecting');
  clock.advance(1);
  expect(state()).toBe('waiting');
  client.latest.say(' of the air');
  expect(state()).toBe('online');
  expect(clock.pending).toBe(0);
});

it('waits as well where a question never reaches the relay', () => {
  const { clock, state, ask } = setUp();
  ask();
  expect(state()).toBe('online');
  clock.advance(PATIENCE_MS);
  expect(state()).toBe('waiting');
});

it('gives each loss its own time, and a lasting connection between two', () => {
  const { client, clock, state, ask } = setUp();
  ask();
  client.latest.accept().enter('reconnecting');
  state();
  clock.advance(PATIENCE_MS - 1);
  client.latest.say('Because');
  expect(state()).toBe('online');
  client.latest.enter('reconnecting');
  expect(state()).toBe('reconnecting');
  clock.advance(PATIENCE_MS - 1);
  expect(state()).toBe('reconnecting');
  clock.advance(1);
  expect(state()).toBe('waiting');
});

it('gives another network its own time, and tells first of none at all', () => {
  const { client, clock, state, ask, signal } = setUp();
  ask();
  client.latest.accept().enter('reconnecting');
  state();
  clock.advance(PATIENCE_MS);
  expect(state()).toBe('waiting');
  signal('offline');
  expect(state()).toBe('offline');
  signal('online');
  expect(state()).toBe('reconnecting');
  clock.advance(PATIENCE_MS);
  expect(state()).toBe('waiting');
});

it('leaves no timer when it closes', () => {
  const { client, clock, connection, state, ask } = setUp();
  ask();
  client.latest.accept().enter('reconnecting');
  state();
  connection.close();
  expect(clock.pending).toBe(0);
});
