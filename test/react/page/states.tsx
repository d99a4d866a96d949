/**
 * Every state of the assistant, drawn by a client that says what it is told: `window.showState(state, locale, scheme)` draws one
 * anew, and resolves once it is there. `window.STATES` has their names.
 */
import { createRoot, type Root } from 'react-dom/client';
import type { QuotaState, SignalSource } from '../../../src/client/index.ts';
import { type ClientClock, deviceClock } from '../../../src/client/platform.ts';
import { type AssistantStrings, DashAssistant, DashProvider, ENGLISH } from '../../../src/react/index.ts';
import { ARABIC } from '../../../src/react/languages/ar.ts';
import { GERMAN } from '../../../src/react/languages/de.ts';
import { FRENCH } from '../../../src/react/languages/fr.ts';
import { FakeClient } from '../fake-client.ts';

declare global {
  interface Window {
    STATES: readonly string[];
    /** Of the state that is drawn. */
    fakeClient: FakeClient;
    /** Resolves once nothing fades or moves any more, but for what does for ever. */
    whenStill(): Promise<void>;
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

const THOUGHT: Readonly<Record<string, string>> = {
  en: 'The child wants to know about light. I begin with what it sees.',
  de: 'Das Kind möchte etwas über Licht wissen. Ich beginne mit dem, was es sieht.',
  fr: 'L’enfant veut comprendre la lumière. Je commence par ce qu’il voit.',
  ar: 'يريد الطفل أن يعرف عن الضوء. سأبدأ بما يراه.',
};
/** After the answer: a formula, a table and code. */
const WORKED = `

$$\\lambda = \\frac{c}{f} \\approx 4.5 \\cdot 10^{-7}\\,\\mathrm{m}$$

| nm | $f$ / THz |
|---:|---:|
| 450 | 667 |
| 700 | 428 |

\`\`\`python
def frequency(nm):
    return 299_792_458 / (nm * 1e-9)  # Hz
\`\`\``;

/** What is on the screen, and hands to use it with. */
interface Screen {
  readonly client: FakeClient;
  readonly words: AssistantStrings;
  readonly locale: string;
  readonly question: string;
  readonly answer: string;
}

/** What happens in each state, once the question is asked. */
const STATES: Readonly<Record<string, (screen: Screen) => unknown>> = {
  welcome: () => {},
  connecting: () => {},
  thinking: ({ client, locale }) => client.latest.accept().think(THOUGHT[locale] ?? ''),
  searching: ({ client }) => client.latest.accept().callTool({ call: 1, name: 'search', state: 'running' }),
  answering: ({ client, answer }) => client.latest.accept().say(answer),
  answered,
  'with a formula, a table and code': async ({ client, answer }) => {
    await client.latest
      .accept()
      .say(answer + WORKED)
      .end();
    while (document.querySelector('.katex') === null || CSS.highlights.size === 0) await frames();
  },
  'near the limit': ({ client, answer }) => {
    client.latest.warning = MONTH;
    return client.latest.accept().say(answer).end();
  },
  'near the limit of a school': ({ client, answer }) => {
    client.latest.warning = { ...MONTH, of: 'tokens', scope: 'organization', period: 'day' };
    return client.latest.accept().say(answer).end();
  },
  refused: ({ client }) => client.latest.accept().refuse('general_harms'),
  'refused, cyber': ({ client }) => client.latest.accept().refuse('cyber'),
  offline: () => {},
  reconnecting: ({ client, answer }) => client.latest.accept().say(answer).enter('reconnecting'),
  'waiting for the network': ({ client, answer }) => client.latest.accept().say(answer).enter('reconnecting'),
  'signed out': ({ client }) => client.latest.fail('unauthorized'),
  forbidden: ({ client }) => client.latest.fail('forbidden'),
  'limit reached': ({ client }) => client.latest.fail('quota_exceeded', false, { resetsAt: MONTH.resetsAt }),
  busy: ({ client }) => client.latest.fail('upstream_overloaded', true),
  unreachable: ({ client }) => client.latest.fail('unreachable', true),
  'too long': ({ client }) => client.latest.fail('too_large'),
  'broke off': ({ client, answer }) => client.latest.accept().say(answer).fail('interrupted', true),
  stopped: ({ client, answer }) => client.latest.accept().say(answer).end('cancelled'),
  'two versions': async (screen) => {
    await answered(screen);
    await press(screen.words.regenerate);
    await answered(screen);
  },
  'question edited': async (screen) => {
    await answered(screen);
    await press(screen.words.changeQuestion);
  },
  reported: async (screen) => {
    await answered(screen);
    await press(screen.words.report.open);
  },
  list: async (screen) => {
    await answered(screen);
    for (const more of [screen.words.starters[1]?.prompt, screen.question]) {
      await press(screen.words.newConversation);
      await ask(more ?? '');
      await answered(screen);
    }
    await openList(screen);
    document
      .querySelector<HTMLElement>('[aria-expanded="false"][role="button"], button[aria-expanded="false"]')
      ?.click();
  },
  deleted: async (screen) => {
    await answered(screen);
    await openList(screen);
    document
      .querySelector<HTMLElement>(`[aria-label="${CSS.escape(screen.words.moreFor(screen.question))}"]`)
      ?.click();
    await frames();
    await press(screen.words.deleteConversation(screen.question));
  },
  'photos attached': async ({ client }) => {
    let count = 0;
    client.request = (path, init, send) => {
      count += 1;
      return count > 1 ? new Promise(() => {}) : uploaded(path, init, send);
    };
    await give(
      await photo(300, 400),
      await photo(400, 300),
      new File(['words'], 'notes.txt', { type: 'text/plain' }),
    );
  },
  'photo sent': photoSent,
  'photo sent again': async (screen) => {
    await photoSent(screen);
    screen.client.request = () => new Promise(() => {});
    await ask(screen.question);
  },
};

async function photoSent(screen: Screen): Promise<void> {
  await answered(screen);
  screen.client.request = uploaded;
  await give(await photo(300, 400));
  await ask(screen.question);
  await answered(screen);
}

const SENT_WITHOUT: readonly string[] = ['welcome', 'offline', 'photos attached'];

async function answered({ client, answer }: Screen): Promise<void> {
  await frames();
  await client.latest.accept().say(answer).end();
  await frames();
}

/** A button by its name, once it is there. */
async function press(name: string): Promise<void> {
  for (let n = 0; n < 60; n += 1) {
    const buttons = [...document.querySelectorAll<HTMLElement>('[role="button"], button')];
    const found = buttons.findLast((each) => (each.ariaLabel ?? each.textContent) === name);
    if (found) {
      found.click();
      await frames();
      return;
    }
    await frames();
  }
  throw new Error(`nothing to press: ${name}`);
}

/** On a phone it lies in a drawer. */
async function openList({ words }: Screen): Promise<void> {
  if (document.querySelector('[role="navigation"], nav') === null) await press(words.showConversations);
}

async function photo(width: number, height: number): Promise<File> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('nothing can be drawn');
  context.fillStyle = '#f2efe6';
  context.fillRect(0, 0, width, height);
  context.fillStyle = '#223';
  context.font = '40px serif';
  for (let y = 60; y < height; y += 60) context.fillText(`${y / 60}x + 7 = 22`, 30, y);
  return new File([await canvas.convertToBlob()], 'homework.png', { type: 'image/png' });
}

/** Pastes files, and waits until what can be prepared of them is. */
async function give(...files: readonly File[]): Promise<void> {
  const clipboardData = new DataTransfer();
  for (const file of files) clipboardData.items.add(file);
  document
    .querySelector('textarea')
    ?.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  const drawn = files.filter(({ type }) => type.startsWith('image/')).length;
  while (document.querySelectorAll('main img, [role="main"] img').length < drawn) await frames();
  await frames();
}

const uploaded: FakeClient['request'] = () => {
  const upload = { id: 'upload-1', mediaType: 'image/png', bytes: 1, expiresAt: MONTH.resetsAt };
  return Promise.resolve({ response: Response.json(upload, { status: 201 }) });
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
  const question = QUESTION[locale] ?? '';
  if (!SENT_WITHOUT.includes(state)) await ask(question);
  const words = LANGUAGES.find((language) => language.locale === locale) ?? ENGLISH;
  await STATES[state]?.({ client, words, locale, question, answer: ANSWER[locale] ?? '' });
  await frames();
}

async function ask(question: string): Promise<void> {
  const input = document.querySelector('textarea');
  if (input === null) throw new Error('there is nowhere to ask');
  const write = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value')?.set;
  write?.call(input, question);
  input.dispatchEvent(new Event('input', { bubbles: true }));
  await frames();
  input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
  await frames();
}

/** What was told is drawn with the frame after. */
async function frames(): Promise<void> {
  for (let n = 0; n < 4; n += 1) await new Promise(requestAnimationFrame);
}

window.whenStill = async () => {
  await frames();
  const passing = document
    .getAnimations()
    .filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
  await Promise.allSettled(passing.map(({ finished }) => finished));
  await frames();
};
window.STATES = Object.keys(STATES);
window.showState = showState;
