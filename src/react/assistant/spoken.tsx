/** What screen readers read out, and nobody sees. The region is there before it says anything: only then is it read. */
import { type ReactNode, useEffect, useState } from 'react';
import { StyleSheet, Text } from 'react-native';

/** Read out whenever it changes. */
export function Spoken({ children }: { children: string }) {
  return (
    <Text role="status" aria-live="polite" style={[styles.unseen, onOneLine]}>
      {children}
    </Text>
  );
}

/** What was said stays no longer: who reads on through the page would meet the answer twice, ms. */
const FORGOTTEN_MS = 10_000;

/** `announcer`: draws what says something by `onSay`, and nothing else. */
export function Announcements({ announcer }: { announcer: (onSay: (text: string) => void) => ReactNode }) {
  const [said, setSaid] = useState('');
  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => setSaid(''), FORGOTTEN_MS);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <>
      {announcer(setSaid)}
      <Spoken>{said}</Spoken>
    </>
  );
}

/** In a browser; broken into lines of one pixel a long announcement would hold the page up. */
const onOneLine = { whiteSpace: 'nowrap' } as object;

const styles = StyleSheet.create({
  unseen: { position: 'absolute', width: 1, height: 1, overflow: 'hidden', opacity: 0.01 },
});
