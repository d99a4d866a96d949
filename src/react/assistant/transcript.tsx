/** The messages of a conversation. Keeps their end in sight until the person scrolls up. */
import { type Ref, useCallback, useEffect, useImperativeHandle, useLayoutEffect, useState } from 'react';
import { ScrollView, StyleSheet, View } from 'react-native';
import { useDash } from '../dash-provider.tsx';
import type { Variants } from '../store/message-tree.ts';
import type { ChatMessage } from '../store/messages.ts';
import { type Focusable, IconButton, TextButton } from './button.tsx';
import { Answer } from './message.tsx';
import { browserPrint, printed } from './print.ts';
import { Question } from './question.tsx';
import { MEASURE, SPACE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { createTurns, type Turns, TurnsProvider } from './turns.tsx';
import { useIsOnPaper } from './use-paper.ts';
import { useScrollAnchor } from './use-scroll-anchor.ts';

interface TranscriptProps {
  readonly ref: Ref<Focusable>;
  readonly messages: readonly ChatMessage[];
  readonly variants: Variants;
  readonly isAnswering: boolean;
  /** It is to be printed, whole. */
  readonly isPrinting: boolean;
  readonly onPrinted: () => void;
  readonly onAskAgain: () => boolean;
  readonly onContinue: () => boolean;
  readonly onEdit: (id: string, text: string) => boolean;
  readonly onShowVariant: (id: string) => void;
}

/** Older ones are drawn on request. */
const SHOWN_AT_FIRST = 40;

export function Transcript({ ref, messages, variants, ...props }: TranscriptProps) {
  const { strings, colors } = useAssistantTheme();
  const { frames } = useDash();
  const [turns] = useState(() => createTurns(frames));
  useLayoutEffect(() => turns.flush(), [turns]); // with what is shown first
  const [limit, setLimit] = useState(SHOWN_AT_FIRST);
  const [edited, setEdited] = useState<string>();
  const question = messages.findLast(({ role }) => role === 'user')?.id;
  const changeLast = useCallback(() => setEdited(question), [question]);
  const { scroller, isAtEnd, hasNew, jump, focus, scrolling } = useScrollAnchor(question, props.isAnswering);
  useImperativeHandle(ref, () => ({ focus }), [focus]);
  usePrinting(turns, props.isPrinting, props.onPrinted);
  const isOnPaper = useIsOnPaper();
  useLayoutEffect(() => (isOnPaper ? turns.grantAll() : undefined), [isOnPaper, turns]);
  const shown = props.isPrinting || isOnPaper ? messages : messages.slice(-limit);
  return (
    <TurnsProvider value={turns}>
      <View style={styles.whole}>
        <ScrollView
          ref={scroller}
          role="region"
          aria-label={strings.messages}
          tabIndex={0}
          scrollEventThrottle={1} // none is left out: each may be the one by which a person moves up
          keyboardShouldPersistTaps="handled"
          style={{ outlineColor: colors.accent, outlineOffset: -2 }}
          contentContainerStyle={styles.content}
          {...scrolling}
        >
          <View style={styles.column} {...printed}>
            {shown.length < messages.length && (
              <TextButton label={strings.showEarlier} onPress={() => setLimit(limit + SHOWN_AT_FIRST)} />
            )}
            {shown.map((message, at) => {
              const ids = variants[message.id];
              const key = ids?.[0] ?? message.id; // variants take each other's place, and the switch keeps the focus
              const isLast = at === shown.length - 1;
              const isAsked = messages.some(({ role }) => role === 'user'); // not what was asked on another device
              return message.role === 'user' ? (
                <Question
                  key={key}
                  message={message}
                  variants={ids}
                  onShowVariant={props.onShowVariant}
                  onEdit={props.isAnswering ? undefined : props.onEdit}
                  isEdited={message.id === edited}
                  onEditing={setEdited}
                />
              ) : (
                <Answer
                  key={key}
                  message={message}
                  variants={ids}
                  onShowVariant={props.onShowVariant}
                  onAskAgain={isLast && isAsked ? props.onAskAgain : undefined}
                  onContinue={isLast && isAsked ? props.onContinue : undefined}
                  onChange={isLast ? changeLast : undefined}
                />
              );
            })}
          </View>
        </ScrollView>
        {!isAtEnd && (
          <View style={styles.jump}>
            {hasNew ? (
              <TextButton tone="outline" icon="down" label={strings.newText} onPress={jump} />
            ) : (
              <IconButton tone="outline" icon="down" size={40} label={strings.jumpToLatest} onPress={jump} />
            )}
          </View>
        )}
      </View>
    </TurnsProvider>
  );
}

/** Once all is drawn. */
function usePrinting(turns: Turns, isPrinting: boolean, onPrinted: () => void): void {
  useEffect(() => {
    if (!isPrinting) return;
    return turns.whenIdle(() => {
      browserPrint()?.();
      onPrinted();
    });
  }, [turns, isPrinting, onPrinted]);
}

const styles = StyleSheet.create({
  whole: { flex: 1, minHeight: 0 },
  content: { flexGrow: 1, alignItems: 'center', paddingHorizontal: SPACE.l, paddingVertical: SPACE.xl },
  column: { width: '100%', maxWidth: MEASURE, gap: SPACE.xl },
  jump: { position: 'absolute', bottom: SPACE.s, alignSelf: 'center' },
});
