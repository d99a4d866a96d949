/** A page in the back/forward cache: it holds no connection, opens none, and goes on where it stood when it is back. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { browserSignals } from '../../src/client/platform.ts';
import { settled } from '../support/quiet.ts';
import { ScriptedRelay } from './scripted-relay.ts';

it('hangs up, dials no more, and goes on when the page is back', async () => {
  const relay = new ScriptedRelay();
  const stream = await relay.streaming();
  relay.signal('sleep');
  expect(relay.socket.closed).toBe(true);
  const asked = relay.tokensAsked.length;
  await relay.pass(20_000);
  expect(relay.sockets).toHaveLength(1);
  expect(relay.tokensAsked).toHaveLength(asked);
  expect(stream.phase).toBe('reconnecting');
  relay.signal('wake');
  await settled();
  relay.greet();
  expect(relay.socket.sentOf('resume')).toMatchObject([{ id: stream.id, after: 1 }]);
});

it('opens nothing for what was under way when the page went', async () => {
  const relay = new ScriptedRelay();
  relay.ask();
  relay.signal('sleep');
  await relay.pass(10_000);
  expect(relay.sockets).toEqual([]);
  relay.signal('wake');
  await settled();
  expect(relay.sockets).toHaveLength(1);
});

it('is told by the browser, also while the page is hidden, and not by a page that goes for good', () => {
  const page = Object.assign(new EventTarget(), { visibilityState: 'hidden' });
  vi.stubGlobal('document', page);
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  onTestFinished(() => void vi.unstubAllGlobals());
  const heard: string[] = [];
  const unsubscribe = browserSignals((signal) => heard.push(signal));
  const happen = (type: string, persisted?: boolean) =>
    page.dispatchEvent(Object.assign(new Event(type), persisted === undefined ? {} : { persisted }));
  happen('pagehide', false);
  happen('pageshow', false);
  expect(heard).toEqual([]);
  happen('pagehide', true);
  happen('pageshow', true);
  happen('freeze');
  happen('resume');
  expect(heard).toEqual(['sleep', 'wake', 'sleep', 'wake']);
  unsubscribe();
  happen('pagehide', true);
  expect(heard).toHaveLength(4);
});
