/**
 * The assistant with a client that the test moves by hand, by way of `window.answers`. The address holds what was answered
 * before: `#{"kept": ["a table of 1,000 rows"], "share": 0.5}`, each in a conversation of that name, in which nobody looks
 * yet; `share`: as much of each answer.
 */
import { createRoot } from 'react-dom/client';
import { DashAssistant, DashProvider } from '../../../src/react/index.ts';
import { NO_ANSWER } from '../../../src/react/store/answer-state.ts';
import { type ConversationRecord, serialise } from '../../../src/react/store/conversation-record.ts';
import { LONG_ANSWERS, type LongAnswer } from '../../support/long-answers.ts';
import { FakeClient } from '../fake-client.ts';
import { countRenders } from './count-renders.ts';

interface PageSetting {
  readonly kept?: readonly LongAnswer[];
  readonly share?: number;
}

const { kept = [], share = 1 } = JSON.parse(
  decodeURIComponent(location.hash.slice(1) || '{}'),
) as PageSetting;
const client = new FakeClient();

function recordOf(name: LongAnswer, at: number): ConversationRecord {
  return {
    id: name,
    messages: [
      { role: 'user', id: `question-${at}`, content: name },
      {
        ...NO_ANSWER,
        role: 'assistant',
        id: `answer-${at}`,
        content: LONG_ANSWERS[name](share),
        status: 'done',
      },
    ],
    parents: [-1, 0],
    end: 1,
    name: '',
    asked: { action: 'chat' },
    position: undefined,
    unread: false,
    askedAt: at + 1,
    draft: '',
  };
}

const stored = serialise({ viewed: undefined, conversations: kept.map(recordOf) });
const storage = { getItem: () => stored, setItem: () => {} };

/** So many characters of the answer with each frame, to its end. Resolves with what each frame rendered. */
function stream(name: LongAnswer, charactersPerFrame: number): Promise<number[]> {
  const text = LONG_ANSWERS[name](share);
  const answer = client.latest.accept();
  const rendered: number[] = [];
  return new Promise((resolve) => {
    let at = 0;
    countRenders();
    const next = (): void => {
      if (at > 0) rendered.push(countRenders());
      answer.say(text.slice(at, at + charactersPerFrame));
      at += charactersPerFrame;
      if (at < text.length) requestAnimationFrame(next);
      else void answer.end().then(() => resolve(rendered));
    };
    next();
  });
}

const control = { client, stream, countRenders };

declare global {
  interface Window {
    answers: typeof control;
  }
}
window.answers = control;

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <DashProvider client={client} storage={storage}>
      <DashAssistant />
    </DashProvider>,
  );
}
