/** Tells screen readers how an answer goes: its state, and whole sentences some at a time. Never each delta. */
import { useEffect, useRef, useState } from 'react';
import { AccessibilityInfo, Platform, StyleSheet, Text } from 'react-native';
import type { Phase } from '../../client/index.ts';
import { isUnderWay } from '../store/answer-state.ts';
import { type AnswerMessage, isBlank } from '../store/messages.ts';
import { describeFailure, noteOn } from './failure-text.ts';
import { spokenText } from './message-text.ts';
import type { AssistantStrings } from './strings.ts';
import { useAssistantTheme } from './theme-context.tsx';

/** Between two announcements while text arrives, ms: about as long as one takes to read out. */
const PAUSE_MS = 4000;
/** What was said stays no longer: who reads on through the page would meet the answer twice, ms. */
const FORGOTTEN_MS = 10_000;
const SENTENCE_END = /[.!?…:؟。！？]$/;

export function Announcer({ answer }: { answer: AnswerMessage | undefined }) {
  const { strings } = useAssistantTheme();
  const [said, setSaid] = useState('');
  const latest = useRef(answer);
  const spoken = useRef({ id: '', end: 0 });
  const { id = '', status: phase = 'idle', isThinking = false, tool } = answer ?? {};
  const isBusy = isThinking || tool !== undefined;
  const status = phase === 'streaming' && isBusy ? 'thinking' : phase;

  useEffect(() => {
    latest.current = answer;
  });
  useEffect(() => {
    const known = spoken.current.id === id;
    // What was there before this screen was is not read out again.
    if (!known) spoken.current = { id, end: latest.current?.content.length ?? 0 };
    if (!known && !isUnderWay(status)) return;
    const say = (text: string): void => {
      setSaid(text);
      if (Platform.OS === 'ios') AccessibilityInfo.announceForAccessibility(text); // it has no live regions
    };
    const sayRest = (isWhole: boolean, last = ''): void => {
      const next = spokenText(latest.current?.content ?? '', spoken.current.end, isWhole, strings.code);
      if (next) spoken.current.end = next.end;
      const isCut = next && isWhole && status !== 'done' && !SENTENCE_END.test(next.text);
      const words = [isCut ? `${next.text}…` : (next?.text ?? ''), last]
        .filter((part) => part !== '')
        .join(' ');
      if (words !== '') say(words);
    };
    if (status !== 'streaming') {
      sayRest(!isUnderWay(status), stateWords(latest.current, status, strings));
      return;
    }
    const timer = setInterval(() => sayRest(false), PAUSE_MS);
    return () => clearInterval(timer);
  }, [id, status, strings]);

  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => setSaid(''), FORGOTTEN_MS);
    return () => clearTimeout(timer);
  }, [said]);

  return <Spoken>{said}</Spoken>;
}

/** Read out by screen readers whenever it changes, and not seen. */
export function Spoken({ children }: { children: string }) {
  return (
    <Text role="status" aria-live="polite" style={[styles.unseen, onOneLine]}>
      {children}
    </Text>
  );
}

function stateWords(answer: AnswerMessage | undefined, status: Phase, strings: AssistantStrings): string {
  if (answer?.error) return describeFailure(answer.error, strings, !isBlank(answer.content)).text;
  switch (status) {
    case 'thinking':
      return strings.saysThinking;
    case 'reconnecting':
      return strings.saysReconnecting;
    case 'cancelled':
      return strings.saysStopped;
    case 'done':
      return (answer && noteOn(answer, strings)) ?? strings.saysDone;
    default:
      return '';
  }
}

/** In a browser; broken into lines of one pixel a long announcement would hold the page up. */
const onOneLine = { whiteSpace: 'nowrap' } as object;

const styles = StyleSheet.create({
  unseen: { position: 'absolute', width: 1, height: 1, overflow: 'hidden', opacity: 0.01 },
});
