/** The assistant with answers that grow a few letters with each frame, and what is seen of them: `window.answers`. */
import { createRoot } from 'react-dom/client';
import { DashAssistant, DashProvider } from '../../../src/react/index.ts';
import { type Growth, HARD_ANSWERS } from '../../support/hard-answers.ts';
import { FakeClient } from '../fake-client.ts';
import { countRenders } from './count-renders.ts';

const client = new FakeClient();
/** In characters; a model says about 60 of them a second. */
const DELTA = 8;
/** What a caret adds to what is read. */
const CARET = /\u2060?▍/g;

interface LayoutShift extends PerformanceEntry {
  readonly value: number;
  readonly sources: readonly { readonly node: Node | null }[];
}

let shift = 0;
new PerformanceObserver((list) => {
  for (const { value, sources } of list.getEntries() as LayoutShift[])
    shift += sources.every(({ node }) => isEnd(node)) ? 0 : value;
}).observe({ type: 'layout-shift', buffered: true });

/** It moves along as an answer grows: its caret, what is said below of how it goes, and conversations in their list. */
function isEnd(node: Node | null): boolean {
  const element = node instanceof HTMLElement ? node : node?.parentElement;
  const answer = element?.closest('[role=group][aria-label=Dash]');
  return (
    node?.textContent?.replaceAll(CARET, '') === '' ||
    !answer?.lastElementChild?.firstElementChild?.contains(element ?? null)
  );
}

/** The words of the latest answer: formulas as they are drawn, not as they are read out. */
function read(): string {
  const answers = document.querySelectorAll<HTMLElement>('[role=group][aria-label=Dash]');
  const words = answers[answers.length - 1]?.lastElementChild?.firstElementChild as
    | HTMLElement
    | null
    | undefined;
  return (words?.innerText ?? '').replaceAll(CARET, '');
}

const nextFrame = (): Promise<unknown> => new Promise(requestAnimationFrame);

/** `delta`: characters that come with each frame. */
async function stream(name: string, delta = DELTA): Promise<Growth> {
  const { text } = HARD_ANSWERS[name] ?? { text: '' };
  const answer = client.latest.accept();
  const seen: string[] = [];
  const rendered: number[] = [];
  for (let frames = 0; frames < 5; frames += 1) await nextFrame(); // until the question stands
  shift = 0;
  countRenders();
  for (let at = 0; at < text.length; at += delta) {
    answer.say(text.slice(at, at + delta));
    await nextFrame();
    seen.push(read());
    rendered.push(countRenders());
  }
  const before = shift;
  await answer.end();
  await nextFrame();
  await nextFrame();
  rendered.push(countRenders());
  return { seen, shift: before, rendered };
}

const control = { stream, read };

declare global {
  interface Window {
    hard: typeof control;
  }
}
window.hard = control;

const { colorScheme, direction } = JSON.parse(decodeURIComponent(location.hash.slice(1) || '{}')) as {
  colorScheme?: 'light' | 'dark';
  direction?: 'ltr' | 'rtl';
};
const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <DashProvider client={client}>
      <DashAssistant colorScheme={colorScheme} direction={direction} />
    </DashProvider>,
  );
}
