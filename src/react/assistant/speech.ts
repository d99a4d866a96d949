/** Reads an answer aloud: by the browser's own voice, or by what an app hands in. One at a time. */

/**
 * Reads `text`, without marks of Markdown, and calls `onEnd` once it is read or fails. `language`: BCP 47, undefined where
 * the device's will do. What it returns stops it.
 */
export type SpeakText = (text: string, language: string | undefined, onEnd: () => void) => () => void;

/** Where a script is that of few languages, the voice of another one could not read it. */
const SCRIPTS: readonly (readonly [RegExp, string])[] = [
  [/\p{Script=Arabic}/gu, 'ar'],
  [/\p{Script=Hebrew}/gu, 'he'],
  [/[\p{Script=Hiragana}\p{Script=Katakana}]/gu, 'ja'],
  [/\p{Script=Hangul}/gu, 'ko'],
  [/\p{Script=Han}/gu, 'zh'],
  [/\p{Script=Cyrillic}/gu, 'ru'],
  [/\p{Script=Greek}/gu, 'el'],
  [/\p{Script=Devanagari}/gu, 'hi'],
];
/** Characters that are looked at, and of them so many of the script. */
const SAMPLE = 500;
const SHARE = 0.3;

/** The language of `text` by its letters, where those are not Latin; else `locale`. */
export function languageOfText(text: string, locale: string | undefined): string | undefined {
  const sample = text.slice(0, SAMPLE);
  const letters = sample.match(/\p{L}/gu)?.length ?? 0;
  const found = SCRIPTS.find(([script]) => (sample.match(script)?.length ?? 0) > letters * SHARE)?.[1];
  if (found === undefined || locale === undefined) return found ?? locale;
  return locale.split('-')[0] === found ? locale : found; // with its region, which chooses the accent
}

export interface Speaker {
  /** Stops what is read until now. `text`: without marks. */
  speak(text: string, locale: string | undefined, onEnd: () => void): () => void;
}

export function createSpeaker(speakText: SpeakText): Speaker {
  let stopLast = (): void => {};
  return {
    speak(text, locale, onEnd) {
      stopLast();
      let isOver = false;
      const end = (): void => {
        if (isOver) return;
        isOver = true;
        onEnd();
      };
      const silence = speakText(text, languageOfText(text, locale), end);
      const stop = (): void => {
        if (!isOver) silence();
        end();
      };
      stopLast = stop;
      return stop;
    },
  };
}

interface SpokenPiece {
  lang: string;
  onend: (() => void) | null;
  onerror: (() => void) | null;
}
interface SpeechGlobals {
  readonly speechSynthesis?: { speak(piece: SpokenPiece): void; cancel(): void };
}

/** Chrome falls silent in the middle of what takes longer than a quarter of a minute: sentences are handed over one by one. */
const SENTENCES = /[\s\S]{1,200}?(?:[.!?؟…]\s+|[。！？]|$)|[\s\S]{1,200}(?=\s)|[\s\S]{1,200}/gu;

/** Undefined where there is none: in React Native, and in some browsers. */
export function browserSpeech(): SpeakText | undefined {
  const { speechSynthesis: synthesis } = globalThis as SpeechGlobals;
  const Piece = Reflect.get(globalThis, 'SpeechSynthesisUtterance') as
    | (new (
        text: string,
      ) => SpokenPiece)
    | undefined;
  if (synthesis === undefined || Piece === undefined) return undefined;
  return (text, language, onEnd) => {
    const sentences = text.match(SENTENCES) ?? [];
    synthesis.cancel();
    if (sentences.length === 0) onEnd();
    for (const [at, sentence] of sentences.entries()) {
      const piece = new Piece(sentence);
      if (language !== undefined) piece.lang = language;
      piece.onerror = onEnd;
      if (at === sentences.length - 1) piece.onend = onEnd;
      synthesis.speak(piece);
    }
    return () => synthesis.cancel();
  };
}
