/** One answer, with what is being done about it and what can be done with it. */
import { memo, type ReactNode, type RefObject, useRef } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import type { Phase } from '../../client/index.ts';
import { isUnderWay } from '../store/answer-state.ts';
import { type AnswerMessage, isBlank, isBrokenOff } from '../store/messages.ts';
import { CopyButton, TextButton } from './button.tsx';
import { ErrorBoundary } from './error-boundary.tsx';
import { describeFailure, type FailureWords, noteOn } from './failure-text.ts';
import { Logo } from './icon.tsx';
import type { TextState } from './markdown/blocks.ts';
import { Markdown } from './markdown/markdown.tsx';
import { Progress } from './progress.tsx';
import { SpeakButton } from './speak-button.tsx';
import { useSteady } from './steady-text.ts';
import { RADIUS, SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { VariantSwitch } from './variants.tsx';

interface AnswerProps {
  readonly message: AnswerMessage;
  /** Of the last answer alone. */
  readonly onAskAgain: (() => boolean) | undefined;
  /** Of the last answer alone: has its question edited. */
  readonly onChange: (() => void) | undefined;
  /** Of the last answer alone: asks for the rest of one that broke off. */
  readonly onContinue: (() => boolean) | undefined;
  /** Of all its variants; undefined where there is but one. */
  readonly variants: readonly string[] | undefined;
  readonly onShowVariant: (id: string) => void;
}

export const Answer = memo(function Answer(props: AnswerProps) {
  const { message, variants, onShowVariant } = props;
  const { strings, isWide } = useAssistantTheme();
  const { id, status, isThinking, thought, tool } = message;
  const isGrowing = isUnderWay(status);
  const words = useRef<object>(null);
  const drawn = useSteady(message, isGrowing, words);
  const switcher = variants && <VariantSwitch id={id} ids={variants} onShow={onShowVariant} />;
  return (
    <View role="group" aria-label={strings.assistant} aria-busy={isGrowing} style={styles.answer}>
      {isWide && <Logo size={28} />}
      <View style={styles.body}>
        {!isBlank(drawn.content) && (
          <View ref={words as RefObject<never>}>
            <ErrorBoundary fallback={<Plain text={drawn.content} />} resetKey={drawn.status}>
              <Markdown key={id} text={drawn.content} state={textState(drawn.status)} />
            </ErrorBoundary>
          </View>
        )}
        {isGrowing && switcher}
        {isGrowing ? (
          <Progress status={status} isThinking={isThinking} thought={thought} tool={tool} />
        ) : (
          <Ending {...props} switcher={switcher} />
        )}
      </View>
    </View>
  );
});

function textState(status: Phase): TextState {
  if (isUnderWay(status)) return 'growing';
  return status === 'done' ? 'whole' : 'stopped';
}

function Plain({ text }: { text: string }) {
  const { colors } = useAssistantTheme();
  return (
    <Text selectable style={[TYPE.body, { color: colors.text }]}>
      {text}
    </Text>
  );
}

function Ending({ switcher, ...props }: AnswerProps & { readonly switcher: ReactNode }) {
  const { colors, strings, askToReport } = useAssistantTheme();
  const { message } = props;
  const { content, error } = message;
  const failure = error && describeFailure(error, strings, !isBlank(content));
  const note = failure?.text ?? noteOn(message, strings);
  const hasWords = !isBlank(content);
  return (
    <>
      {note !== undefined && <Note text={note} isBad={failure !== undefined} />}
      <View style={styles.actions}>
        {switcher}
        <NextSteps {...props} failure={failure} />
        {hasWords && <CopyButton text={content} label={strings.copyAnswer} />}
        {hasWords && <SpeakButton text={content} />}
        {hasWords && askToReport && (
          <TextButton icon="flag" label={strings.report.open} onPress={() => askToReport(message)} />
        )}
      </View>
      {hasWords && props.onAskAgain && (
        <Text style={[TYPE.small, { color: colors.muted }]}>{strings.canBeWrong}</Text>
      )}
    </>
  );
}

/** What can be asked now; the first of it is what most people want. */
function NextSteps(props: AnswerProps & { readonly failure: FailureWords | undefined }) {
  const { strings, direction } = useAssistantTheme();
  const { message, failure, onAskAgain, onContinue, onChange } = props;
  const { status, refusal } = message;
  const isDone = status === 'done';
  const change = refusal || failure?.canChange ? onChange : undefined;
  const askAgain = failure?.canRetry === false || refusal ? undefined : onAskAgain; // the same would come again
  const goOn = failure?.canRetry !== false && isBrokenOff(message) ? onContinue : undefined;
  const isPlain = isDone || goOn !== undefined;
  return (
    <>
      {goOn && (
        <View style={styles.framed}>
          <TextButton
            tone="outline"
            icon={direction === 'rtl' ? 'previous' : 'next'}
            label={strings.continueAnswer}
            onPress={() => void goOn()}
          />
        </View>
      )}
      {askAgain && (
        <View style={!isPlain && styles.framed}>
          <TextButton
            tone={isPlain ? 'plain' : 'outline'}
            icon="repeat"
            label={isDone ? strings.regenerate : strings.retry}
            onPress={() => void askAgain()}
          />
        </View>
      )}
      {change && (
        <View style={styles.framed}>
          <TextButton tone="outline" icon="pen" label={strings.changeQuestion} onPress={change} />
        </View>
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
  answer: { flexDirection: 'row', gap: SPACE.m },
  body: { flex: 1, minWidth: 0, gap: SPACE.m },
  /** The words of buttons without a frame stand under the answer's, in each line. */
  actions: {
    flexDirection: 'row',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: SPACE.xs,
    minHeight: 36,
    marginStart: -SPACE.m,
  },
  framed: { marginStart: SPACE.m },
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
