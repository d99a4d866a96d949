/**
 * Every state of the assistant, drawn by a client that says what it is told: `window.showState(state, locale, scheme)` draws one
 * anew, and resolves once it is there. `window.STATES` has their names.
 */
import { createRoot, type Root } from 'react-dom/client';
import type { QuotaState, SignalSource } from '../../../src/client/index.ts';
import { type ClientClock, deviceClock } from '../../../src/client/platform.ts';
import { DashAssistant, DashProvider } from '../../../src/react/index.ts';
import { ARABIC } from '../../../src/react/languages/ar.ts';
import { GERMAN } from '../../../src/react/languages/de.ts';
import { FRENCH } from '../../../src/react/languages/fr.ts';
import { FakeClient, type FakeStream } from '../fake-client.ts';

declare global {
  interface Window {
    STATES: readonly string[];
    /** Of the state that is drawn. */
    fakeClient: FakeClient;
    showState(state: string, locale: string, scheme: 'light' | 'dark'): Promise<void>;
  }
}

const LANGUAGES = [ARABIC, GERMAN, FRENCH];
const QUESTION: Readonly<Record<string, string>> = {
  en: 'Why is the sky blue?',
  de: 'Warum ist der Himmel blau?',
  fr: 'Pourquoi le ciel est-il bleu ?',
  ar: 'لماذا السماء زرقاء؟',
};
const ANSWER: Readonly<Record<string, string>> = {
  en: 'Sunlight is made of **many colours**. Air bends the blue ones most.\n\n1. Light comes in.\n2. Air scatters it.',
  de: 'Sonnenlicht besteht aus **vielen Farben**. Luft lenkt die blauen am meisten ab.\n\n1. Licht kommt herein.\n2. Luft streut es.',
  fr: 'La lumière est faite de **nombreuses couleurs**. L’air dévie surtout le bleu.\n\n1. La lumière arrive.\n2. L’air la disperse.',
  ar: 'يتكوّن ضوء الشمس من **ألوان كثيرة**. يشتّت الهواء الأزرق منها أكثر.\n\n1. يصل الضوء.\n2. يشتّته الهواء.',
};

const MONTH: QuotaState = {
  of: 'requests',
  scope: 'user',
  period: 'month',
  used: 92,
  limit: 100,
  resetsAt: Date.UTC(2027, 0, 1),
};

/** What the stream of the question says in each state. */
const STATES: Readonly<Record<string, (stream: FakeStream, answer: string) => unknown>> = {
  welcome: () => {},
  connecting: () => {},
  thinking: (stream) =>
    stream.accept().think('The child wants to know about light. I begin with what it sees.'),
  searching: (stream) => stream.accept().callTool({ call: 1, name: 'search', state: 'running' }),
  answering: (stream, answer) => stream.accept().say(answer),
  answered: (stream, answer) => stream.accept().say(answer).end(),
  'near the limit': (stream, answer) => {
    stream.warning = MONTH;
    return stream.accept().say(answer).end();
  },
  'near the limit of a school': (stream, answer) => {
    stream.warning = { ...MONTH, of: 'tokens', scope: 'organization', period: 'day' };
    return stream.accept().say(answer).end();
  },
  refused: (stream) => stream.accept().refuse('general_harms'),
  'refused, cyber': (stream) => stream.accept().refuse('cyber'),
  offline: () => {},
  reconnecting: (stream, answer) => stream.accept().say(answer).enter('reconnecting'),
  'waiting for the network': (stream, answer) => stream.accept().say(answer).enter('reconnecting'),
  'signed out': (stream) => stream.fail('unauthorized'),
  forbidden: (stream) => stream.fail('forbidden'),
  'limit reached': (stream) => stream.fail('quota_exceeded'),
  busy: (stream) => stream.fail('upstream_overloaded', true),
  unreachable: (stream) => stream.fail('unreachable', true),
  'too long': (stream) => stream.fail('too_large'),
  'broke off': (stream, answer) => stream.accept().say(answer).fail('interrupted', true),
  stopped: (stream, answer) => stream.accept().say(answer).end('cancelled'),
};

const offline: SignalSource = (listener) => {
  listener('offline');
  return () => {};
};

/** For which no time is long: patience is at its end with the next turn. */
const impatient: ClientClock = {
  ...deviceClock,
  after: (_ms, callback) => deviceClock.after(0, callback),
};

let root: Root | undefined;

async function showState(state: string, locale: string, scheme: 'light' | 'dark'): Promise<void> {
  root?.unmount();
  const place = document.getElementById('root');
  if (place === null) throw new Error('the page has no place');
  document.documentElement.lang = locale;
  root = createRoot(place);
  const client = new FakeClient();
  window.fakeClient = client;
  const clock = state === 'waiting for the network' ? impatient : deviceClock;
  root.render(
    <DashProvider
      client={client}
      options={{ url: '', getToken: () => null, clock }}
      signals={state === 'offline' ? offline : () => () => {}}
    >
      <DashAssistant languages={LANGUAGES} locale={locale} colorScheme={scheme} />
    </DashProvider>,
  );
  await frames();
  if (state === 'welcome' || state === 'offline') return;
  const input = document.querySelector('textarea');
  if (input === null) throw new Error('there is nowhere to ask');
  const write = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value')?.set;
  write?.call(input, QUESTION[locale]);
  input.dispatchEvent(new Event('input', { bubbles: true }));
  await frames();
  input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
  await frames();
  await STATES[state]?.(client.latest, ANSWER[locale] ?? '');
  await frames();
}

/** What was told is drawn with the frame after. */
async function frames(): Promise<void> {
  for (let n = 0; n < 4; n += 1) await new Promise(requestAnimationFrame);
}

window.STATES = Object.keys(STATES);
window.showState = showState;
