/** The messages of a conversation. Keeps their end in sight until the person scrolls up. */
import { useLayoutEffect, useRef, useState } from 'react';
import {
  type LayoutChangeEvent,
  type NativeScrollEvent,
  type NativeSyntheticEvent,
  Platform,
  ScrollView,
  StyleSheet,
  View,
} from 'react-native';
import { useDash } from '../dash-provider.tsx';
import type { ChatMessage } from '../store/messages.ts';
import { IconButton, TextButton } from './button.tsx';
import { Answer, Question } from './message.tsx';
import { atEndOf, type ScrollReading, staysAtEnd } from './scroll-anchor.ts';
import { MEASURE, SPACE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { createTurns, TurnsProvider } from './turns.tsx';
import { onWheelUp } from './web-props.ts';

interface TranscriptProps {
  readonly messages: readonly ChatMessage[];
  readonly onAskAgain: () => boolean;
  readonly onChange: () => void;
}

/** Older ones are drawn on request. */
const SHOWN_AT_FIRST = 40;

export function Transcript({ messages, onAskAgain, onChange }: TranscriptProps) {
  const { strings } = useAssistantTheme();
  const { frames } = useDash();
  const [turns] = useState(() => createTurns(frames));
  useLayoutEffect(() => turns.flush(), [turns]); // with what is shown first
  const [limit, setLimit] = useState(SHOWN_AT_FIRST);
  const { scroller, isAtEnd, jump, ...scrolling } = useScrollAnchor(
    messages.findLast(({ role }) => role === 'user')?.id,
  );
  const shown = messages.slice(-limit);
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
          contentContainerStyle={styles.content}
          {...scrolling}
        >
          <View style={styles.column}>
            {shown.length < messages.length && (
              <TextButton label={strings.showEarlier} onPress={() => setLimit(limit + SHOWN_AT_FIRST)} />
            )}
            {shown.map((message, at) =>
              message.role === 'user' ? (
                <Question key={message.id} text={message.content} />
              ) : (
                <Answer
                  key={message.id}
                  message={message}
                  onAskAgain={at === shown.length - 1 ? onAskAgain : undefined}
                  onChange={at === shown.length - 1 ? onChange : undefined}
                />
              ),
            )}
          </View>
        </ScrollView>
        {!isAtEnd && (
          <View style={styles.jump}>
            <IconButton tone="outline" icon="down" size={40} label={strings.jumpToLatest} onPress={jump} />
          </View>
        )}
      </View>
    </TurnsProvider>
  );
}

/** `question`: a new one leads to the end, wherever the person was. */
function useScrollAnchor(question: string | undefined) {
  const { reduceMotion } = useAssistantTheme();
  const scroller = useRef<{ scrollToEnd(options: { animated: boolean }): void }>(null);
  const reading = useRef<ScrollReading>(undefined);
  const anchored = useRef(true);
  const isHeld = useRef(false);
  const asked = useRef(question);
  const [isAtEnd, setAtEnd] = useState(true);
  const anchor = (now: boolean): void => {
    anchored.current = now;
    setAtEnd(now);
  };
  const scrollToEnd = (animated: boolean): void => scroller.current?.scrollToEnd({ animated });
  const follow = (): void => {
    if (anchored.current && !isHeld.current) scrollToEnd(false);
  };
  const hold = (isNow: boolean) => () => {
    isHeld.current = isNow;
  };
  return {
    scroller: scroller as React.RefObject<never>,
    isAtEnd,
    jump() {
      anchor(true);
      scrollToEnd(!reduceMotion);
    },
    onScroll({ nativeEvent }: NativeSyntheticEvent<NativeScrollEvent>) {
      const { contentOffset, contentSize, layoutMeasurement } = nativeEvent;
      const next = {
        offset: contentOffset.y,
        contentHeight: contentSize.height,
        viewHeight: layoutMeasurement.height,
      };
      anchor(staysAtEnd(anchored.current, reading.current, next));
      reading.current = next;
    },
    // Fingers are on it: what they do is not undone by text that arrives.
    onScrollBeginDrag: hold(true),
    onScrollEndDrag: hold(false),
    onContentSizeChange(_width: number, height: number) {
      if (asked.current !== question) anchor(true);
      asked.current = question;
      follow();
      // Browsers move at once, apps later; there a finger says who moves.
      if (anchored.current && reading.current && Platform.OS === 'web')
        reading.current = atEndOf(height, reading.current.viewHeight);
    },
    onLayout(_event: LayoutChangeEvent) {
      follow();
    },
    ...onWheelUp(() => {
      const { contentHeight = 0, viewHeight = 0 } = reading.current ?? {};
      if (contentHeight > viewHeight) anchor(false);
    }),
  };
}

const styles = StyleSheet.create({
  whole: { flex: 1, minHeight: 0 },
  content: { flexGrow: 1, alignItems: 'center', paddingHorizontal: SPACE.l, paddingVertical: SPACE.xl },
  column: { width: '100%', maxWidth: MEASURE, gap: SPACE.xl },
  jump: { position: 'absolute', bottom: SPACE.s, alignSelf: 'center' },
});
