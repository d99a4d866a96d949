/** One message: a question, or an answer with what is being done about it and what can be done with it. */
import { memo } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { isUnderWay } from '../store/answer-state.ts';
import { type AnswerMessage, isBlank } from '../store/messages.ts';
import { CopyButton, TextButton } from './button.tsx';
import { ErrorBoundary } from './error-boundary.tsx';
import { describeFailure, noteOn } from './failure-text.ts';
import { Logo } from './icon.tsx';
import { Markdown } from './markdown/markdown.tsx';
import { Progress } from './progress.tsx';
import { RADIUS, SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';

/** What the user has said: as it was typed, never as Markdown. */
export const Question = memo(function Question({ text }: { text: string }) {
  const { colors, strings } = useAssistantTheme();
  return (
    <View role="group" aria-label={strings.you} style={styles.question}>
      <View style={[styles.bubble, { backgroundColor: colors.accentSoft }]}>
        <Text selectable style={[TYPE.body, { color: colors.text }]}>
          {text}
        </Text>
      </View>
    </View>
  );
});

interface AnswerProps {
  readonly message: AnswerMessage;
  /** Of the last answer alone. */
  readonly onAskAgain: (() => boolean) | undefined;
  /** Of the last answer alone: puts its question where it can be changed. */
  readonly onChange?: (() => void) | undefined;
}

export const Answer = memo(function Answer({ message, onAskAgain, onChange }: AnswerProps) {
  const { strings, isWide } = useAssistantTheme();
  const { content, status, isThinking, thought, tool } = message;
  const isGrowing = isUnderWay(status);
  return (
    <View role="group" aria-label={strings.assistant} aria-busy={isGrowing} style={styles.answer}>
      {isWide && <Logo size={28} />}
      <View style={styles.body}>
        {!isBlank(content) && (
          <ErrorBoundary fallback={<Plain text={content} />} resetKey={status}>
            <Markdown
              text={content}
              state={isGrowing ? 'growing' : status === 'done' ? 'whole' : 'stopped'}
            />
          </ErrorBoundary>
        )}
        {isGrowing ? (
          <Progress status={status} isThinking={isThinking} thought={thought} tool={tool} />
        ) : (
          <Ending message={message} onAskAgain={onAskAgain} onChange={onChange} />
        )}
      </View>
    </View>
  );
});

function Plain({ text }: { text: string }) {
  const { colors } = useAssistantTheme();
  return (
    <Text selectable style={[TYPE.body, { color: colors.text }]}>
      {text}
    </Text>
  );
}

function Ending({ message, onAskAgain, onChange }: AnswerProps) {
  const { colors, strings, askToReport } = useAssistantTheme();
  const { content, status, error, refusal } = message;
  const failure = error && describeFailure(error, strings, !isBlank(content));
  const note = failure?.text ?? noteOn(message, strings);
  const isDone = status === 'done';
  const hasWords = !isBlank(content);
  const change = refusal || failure?.canChange ? onChange : undefined;
  const askAgain = failure?.canRetry === false || refusal ? undefined : onAskAgain; // the same would come again
  return (
    <>
      {note !== undefined && <Note text={note} isBad={failure !== undefined} />}
      <View style={[styles.actions, (isDone || !askAgain) && styles.plainFirst]}>
        {askAgain && (
          <TextButton
            tone={isDone ? 'plain' : 'outline'}
            icon="repeat"
            label={isDone ? strings.regenerate : strings.retry}
            onPress={() => void askAgain()}
          />
        )}
        {change && <TextButton tone="outline" icon="pen" label={strings.changeQuestion} onPress={change} />}
        {hasWords && <CopyButton text={content} label={strings.copyAnswer} />}
        {hasWords && askToReport && (
          <TextButton icon="flag" label={strings.report.open} onPress={() => askToReport(message)} />
        )}
      </View>
      {hasWords && onAskAgain && (
        <Text style={[TYPE.small, { color: colors.muted }]}>{strings.canBeWrong}</Text>
      )}
    </>
  );
}

function Note({ text, isBad }: { text: string; isBad: boolean }) {
  const { colors } = useAssistantTheme();
  const color = isBad ? colors.danger : colors.muted;
  return (
    <View style={[styles.note, { backgroundColor: isBad ? colors.dangerSoft : colors.code }]}>
      <View style={[styles.edge, { backgroundColor: color }]} />
      <Text style={[TYPE.label, styles.words, { color }]}>{text}</Text>
    </View>
  );
}

const styles = StyleSheet.create({
  question: { alignItems: 'flex-end' },
  bubble: {
    maxWidth: '88%',
    paddingHorizontal: SPACE.l,
    paddingVertical: SPACE.s,
    borderRadius: RADIUS.l,
    borderBottomEndRadius: RADIUS.s,
  },
  answer: { flexDirection: 'row', gap: SPACE.m },
  body: { flex: 1, minWidth: 0, gap: SPACE.m },
  actions: { flexDirection: 'row', flexWrap: 'wrap', gap: SPACE.xs, minHeight: 36 },
  /** Its words stand under the answer's. */
  plainFirst: { marginStart: -SPACE.m },
  note: {
    flexDirection: 'row',
    borderRadius: RADIUS.s,
    overflow: 'hidden',
    alignSelf: 'flex-start',
    maxWidth: '100%',
  },
  edge: { width: 3 },
  words: { flexShrink: 1, paddingHorizontal: SPACE.m, paddingVertical: SPACE.s },
});
