import { useEffect, useState } from 'react';
import { Text } from 'react-native';
import { useAssistantTheme } from './theme-context.tsx';

/** How long it is seen and unseen, ms. */
const BLINK_MS = 530;

/** Where the next word will stand. Screen readers are not told of it. */
export function Caret() {
  const { colors, reduceMotion } = useAssistantTheme();
  const [isSeen, setSeen] = useState(true);
  useEffect(() => {
    if (reduceMotion) return;
    const timer = setInterval(() => setSeen((was) => !was), BLINK_MS);
    return () => {
      clearInterval(timer);
      setSeen(true);
    };
  }, [reduceMotion]);
  return (
    <Text aria-hidden style={{ color: isSeen ? colors.accent : 'transparent' }}>
      {'\u2060▍'}
    </Text>
  );
}
