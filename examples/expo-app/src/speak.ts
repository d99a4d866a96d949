import type { SpeakText } from '@dash-relay/client/react';
import * as Speech from 'expo-speech';

/** The end of a sentence, after which a voice may pause. */
const SENTENCES = /[^.!?…\n]*[.!?…\n]*/g;

/** Reads aloud by the phone's voice. What it takes at once is limited: sentences wait for each other in its queue. */
export const speak: SpeakText | undefined = (text, language, onEnd) => {
  const sentences = (text.match(SENTENCES) ?? []).filter((each) => each.trim() !== '');
  if (sentences.length === 0) onEnd();
  for (const [at, sentence] of sentences.entries()) {
    const isLast = at === sentences.length - 1;
    Speech.speak(sentence, {
      ...(language !== undefined && { language }),
      ...(isLast && { onDone: onEnd }),
      onStopped: onEnd,
      onError: onEnd,
    });
  }
  return () => void Speech.stop();
};
