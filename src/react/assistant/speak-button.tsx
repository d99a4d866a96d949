/** Reads an answer aloud, and stops. */
import { useEffect, useRef, useState } from 'react';
import { TextButton } from './button.tsx';
import { spokenText } from './message-text.ts';
import { useAssistantTheme } from './theme-context.tsx';

export function SpeakButton({ text }: { text: string }) {
  const { speaker, strings } = useAssistantTheme();
  const [isSpeaking, setSpeaking] = useState(false);
  const stop = useRef<() => void>(undefined);
  useEffect(() => () => stop.current?.(), []);
  if (speaker === undefined) return null;
  const toggle = (): void => {
    if (isSpeaking) {
      stop.current?.();
      return;
    }
    setSpeaking(true);
    const words = spokenText(text, 0, true)?.text ?? '';
    stop.current = speaker.speak(words, strings.locale, () => setSpeaking(false));
  };
  return (
    <TextButton
      icon={isSpeaking ? 'stop' : 'speak'}
      label={isSpeaking ? strings.stopReading : strings.readAloud}
      onPress={toggle}
    />
  );
}
