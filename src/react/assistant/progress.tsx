/** What shows that an answer is on its way: a word with three dots, and the caret where the next text will stand. */
import { memo, useEffect, useState, useSyncExternalStore } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import type { Phase } from '../../client/index.ts';
import { useDash } from '../dash-provider.tsx';
import { TextButton } from './button.tsx';
import type { AssistantStrings } from './strings.ts';
import { SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';

const WORDS: Partial<Record<Phase, 'connecting' | 'thinking' | 'streaming' | 'reconnecting' | 'stopping'>> = {
  connecting: 'connecting',
  thinking: 'thinking',
  streaming: 'streaming',
  reconnecting: 'reconnecting',
  stopping: 'stopping',
};

function progressWords(
  { status, isThinking, tool }: ProgressProps,
  isSending: boolean,
  strings: AssistantStrings,
): string {
  if (status === 'connecting' && isSending) return strings.sendingFiles;
  const isAnswering = status === 'thinking' || status === 'streaming';
  if (tool !== undefined && isAnswering) return tool || strings.lookingUp;
  if (isThinking && isAnswering) return strings.thinkingThrough;
  const key = WORDS[status];
  return key === undefined ? '' : strings[key];
}

interface ProgressProps {
  readonly status: Phase;
  readonly isThinking: boolean;
  /** What is said of the tool that is called now. */
  readonly tool: string | undefined;
  /** What the model thinks, where it is shown: the last of it stands below. */
  readonly thought: string;
}

export const Progress = memo(function Progress(props: ProgressProps) {
  const { colors, strings } = useAssistantTheme();
  const { status, thought } = props;
  const isSending = useIsSending();
  const color = status === 'reconnecting' ? colors.warning : colors.muted;
  return (
    <View>
      <View style={styles.line}>
        <Dots color={status === 'reconnecting' ? colors.warning : colors.accent} />
        <Text style={[TYPE.label, { color }]}>{progressWords(props, isSending, strings)}</Text>
      </View>
      {thought !== '' && <Thought text={thought} />}
    </View>
  );
});

/** Photos of a conversation go again with each question: until they are there nothing is asked. */
function useIsSending(): boolean {
  const { attachments } = useDash().conversations;
  const read = (): boolean =>
    Array.from(attachments.getSnapshot().values()).some(({ status }) => status === 'uploading');
  return useSyncExternalStore(attachments.subscribe, read, read);
}

/** The last of it, or all where the person wants to see it. */
function Thought({ text }: { text: string }) {
  const { colors, strings } = useAssistantTheme();
  const [isOpen, setOpen] = useState(false);
  const isFolded = plain(text).length > SHOWN_LENGTH;
  return (
    <View style={[styles.thought, { borderColor: colors.border }]}>
      <Text selectable={isOpen} style={[TYPE.small, { color: colors.muted }]}>
        {isOpen ? plain(text) : lastOf(text)}
      </Text>
      {isFolded && (
        <TextButton
          label={isOpen ? strings.hideThought : strings.showThought}
          expanded={isOpen}
          onPress={() => setOpen(!isOpen)}
        />
      )}
    </View>
  );
}

/** Of a thought that is shown: about two lines on a desktop, four on a phone. */
const SHOWN_LENGTH = 180;

/** Its end, from a word on. */
function lastOf(thought: string): string {
  const text = plain(thought).replaceAll(/\s+/g, ' ');
  if (text.length <= SHOWN_LENGTH) return text;
  return `… ${text.slice(-SHOWN_LENGTH).replace(/^\S*\s/, '')}`;
}

/** Without the marks of Markdown. */
function plain(thought: string): string {
  return thought.trim().replaceAll(/[*_#`]+/g, '');
}

const DOTS = [0, 1, 2];
/** How long each is the bright one, ms. */
const STEP_MS = 240;

function Dots({ color }: { color: string }) {
  const { reduceMotion } = useAssistantTheme();
  const [bright, setBright] = useState(0);
  useEffect(() => {
    if (reduceMotion) return;
    const timer = setInterval(() => setBright((dot) => (dot + 1) % DOTS.length), STEP_MS);
    return () => clearInterval(timer);
  }, [reduceMotion]);
  return (
    <View aria-hidden style={styles.dots}>
      {DOTS.map((dot) => (
        <View
          key={dot}
          style={[styles.dot, { backgroundColor: color, opacity: reduceMotion || dot === bright ? 1 : 0.35 }]}
        />
      ))}
    </View>
  );
}

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

const styles = StyleSheet.create({
  line: { flexDirection: 'row', alignItems: 'center', gap: SPACE.s, minHeight: 36 },
  thought: { borderStartWidth: 2, paddingStart: SPACE.m, alignItems: 'flex-start' },
  dots: { flexDirection: 'row', gap: 4 },
  dot: { width: 6, height: 6, borderRadius: 3 },
});
