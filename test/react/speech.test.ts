import { afterEach, describe, expect, it, vi } from 'vitest';
import { spokenText } from '../../src/react/assistant/message-text.ts';
import { browserSpeech, createSpeaker, languageOfText } from '../../src/react/assistant/speech.ts';

afterEach(() => vi.unstubAllGlobals());

/** A browser's voice that says nothing by itself. */
function voice() {
  const spoken: { text: string; lang: string; onend?: () => void; onerror?: () => void }[] = [];
  class Piece {
    lang = '';
    readonly text: string;
    constructor(text: string) {
      this.text = text;
    }
  }
  const cancel = vi.fn(() => {
    for (const piece of spoken.splice(0)) piece.onerror?.(); // as browsers do with what they have not said
  });
  vi.stubGlobal('SpeechSynthesisUtterance', Piece);
  vi.stubGlobal('speechSynthesis', { speak: (piece: (typeof spoken)[0]) => spoken.push(piece), cancel });
  const speech = browserSpeech();
  if (speech === undefined) throw new Error('there is no voice');
  return { spoken, cancel, speaker: createSpeaker(speech) };
}

describe('an answer that is read aloud', () => {
  it('is said sentence by sentence, without marks, in its language', () => {
    const { spoken, speaker } = voice();
    const { text = '' } = spokenText('## Light\n\nIt **bends**. Blue `light` most of all!', 0, true) ?? {};
    speaker.speak(text, 'en-ZA', () => {});
    expect(spoken.map(({ text }) => text.trim())).toEqual(['Light It bends.', 'Blue light most of all!']);
    expect(spoken.map(({ lang }) => lang)).toEqual(['en-ZA', 'en-ZA']);
  });

  it('is said whole, however long its sentences are', () => {
    const { spoken, speaker } = voice();
    const text = `${'word '.repeat(300)}${'x'.repeat(500)}.`;
    speaker.speak(text, 'en', () => {});
    expect(spoken.map((piece) => piece.text).join('')).toBe(text);
    expect(Math.max(...spoken.map((piece) => piece.text.length))).toBeLessThanOrEqual(200);
  });

  it('ends once: when its last sentence was said', () => {
    const { spoken, speaker } = voice();
    const onEnd = vi.fn();
    const stop = speaker.speak('One. Two.', 'en', onEnd);
    expect(spoken[0]?.onend).toBeUndefined();
    spoken[1]?.onend?.();
    stop();
    expect(onEnd).toHaveBeenCalledTimes(1);
  });

  it('stops where another begins, and where somebody wants it', () => {
    const { spoken, speaker } = voice();
    const [first, second] = [vi.fn(), vi.fn()];
    speaker.speak('One.', 'en', first);
    const stop = speaker.speak('Two.', 'en', second);
    expect([first.mock.calls.length, second.mock.calls.length]).toEqual([1, 0]);
    expect(spoken.map(({ text }) => text)).toEqual(['Two.']);
    stop();
    expect(second).toHaveBeenCalledTimes(1);
    expect(spoken).toEqual([]);
  });

  it('ends at once where there is nothing to be said', () => {
    const onEnd = vi.fn();
    voice().speaker.speak('', 'en', onEnd);
    expect(onEnd).toHaveBeenCalledTimes(1);
  });
});

it('is not there in a browser without a voice', () => {
  vi.stubGlobal('speechSynthesis', undefined);
  expect(browserSpeech()).toBeUndefined();
});

it.each([
  ['What is light?', 'en-GB', 'en-GB'],
  ['Was ist Licht?', undefined, undefined],
  ['ما هو الضوء؟', 'en', 'ar'],
  ['ما هو الضوء؟', 'ar-EG', 'ar-EG'],
  ['光とは何ですか', 'en', 'ja'],
  ['光是什么', 'en', 'zh'],
  ['The word “свет” means light', 'en', 'en'],
  ['Что такое свет?', undefined, 'ru'],
  ['123', 'fr', 'fr'],
])('speaks %s in the language of its letters (%s)', (text, locale, language) => {
  expect(languageOfText(text, locale)).toBe(language);
});
