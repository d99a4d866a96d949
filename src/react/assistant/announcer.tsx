/** Tells screen readers how an answer goes: its state, and whole sentences some at a time. Never each delta. */
import { useEffect, useRef } from 'react';
import { AccessibilityInfo, Platform } from 'react-native';
import type { Phase } from '../../client/index.ts';
import { isUnderWay } from '../store/answer-state.ts';
import { type AnswerMessage, isBlank } from '../store/messages.ts';
import { describeFailure, noteOn } from './failure-text.ts';
import { spokenText } from './message-text.ts';
import type { AssistantStrings } from './strings.ts';
import { useAssistantTheme } from './theme-context.tsx';

/** Between two announcements while text arrives, ms: about as long as one takes to read out. */
const PAUSE_MS = 4000;
const SENTENCE_END = /[.!?…:؟。！？]$/;

interface AnnouncerProps {
  readonly answer: AnswerMessage | undefined;
  /** Says it. Keep the function the same between renderings. */
  readonly onSay: (text: string) => void;
}

export function Announcer({ answer, onSay }: AnnouncerProps) {
  const { strings } = useAssistantTheme();
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
      onSay(text);
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
  }, [id, status, strings, onSay]);

  return null;
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
