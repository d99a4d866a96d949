/** The messages of a conversation. Keeps their end in sight until the person scrolls up. */
import { useRef, useState } from 'react';
import {
  type LayoutChangeEvent,
  type NativeScrollEvent,
  type NativeSyntheticEvent,
  ScrollView,
  StyleSheet,
  View,
} from 'react-native';
import type { ChatMessage } from '../store/messages.ts';
import { Answer } from './answer.tsx';
import { IconButton, TextButton } from './button.tsx';
import { useLook } from './look.tsx';
import { Question } from './question.tsx';
import { type ScrollReading, staysAtEnd } from './stickiness.ts';
import { MEASURE, SPACE } from './theme.ts';

interface TranscriptProps {
  readonly messages: readonly ChatMessage[];
  readonly onAskAgain: () => boolean;
}

/** Older ones are drawn on request. */
const SHOWN_AT_FIRST = 40;

export function Transcript({ messages, onAskAgain }: TranscriptProps) {
  const { strings } = useLook();
  const [limit, setLimit] = useState(SHOWN_AT_FIRST);
  const { scroller, isAtEnd, jump, ...scrolling } = useEndInSight(
    messages.findLast(({ role }) => role === 'user')?.id,
  );
  const shown = messages.slice(-limit);
  return (
    <View style={styles.whole}>
      <ScrollView
        ref={scroller}
        role="region"
        aria-label={strings.messages}
        tabIndex={0}
        scrollEventThrottle={16}
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
  );
}

/** `question`: a new one leads to the end, wherever the person was. */
function useEndInSight(question: string | undefined) {
  const { reduceMotion } = useLook();
  const scroller = useRef<{ scrollToEnd(options: { animated: boolean }): void }>(null);
  const reading = useRef<ScrollReading>(undefined);
  const sticks = useRef(true);
  const asked = useRef(question);
  const [isAtEnd, setAtEnd] = useState(true);
  const stick = (now: boolean): void => {
    sticks.current = now;
    setAtEnd(now);
  };
  const follow = (animated: boolean): void => scroller.current?.scrollToEnd({ animated });
  return {
    scroller: scroller as React.RefObject<never>,
    isAtEnd,
    jump() {
      stick(true);
      follow(!reduceMotion);
    },
    onScroll({ nativeEvent }: NativeSyntheticEvent<NativeScrollEvent>) {
      const { contentOffset, contentSize, layoutMeasurement } = nativeEvent;
      const next = {
        offset: contentOffset.y,
        contentHeight: contentSize.height,
        viewHeight: layoutMeasurement.height,
      };
      stick(staysAtEnd(sticks.current, reading.current, next));
      reading.current = next;
    },
    onContentSizeChange() {
      if (asked.current !== question) stick(true);
      asked.current = question;
      if (sticks.current) follow(false);
    },
    onLayout(_event: LayoutChangeEvent) {
      if (sticks.current) follow(false);
    },
  };
}

const styles = StyleSheet.create({
  whole: { flex: 1, minHeight: 0 },
  content: { flexGrow: 1, alignItems: 'center', paddingHorizontal: SPACE.l, paddingVertical: SPACE.xl },
  column: { width: '100%', maxWidth: MEASURE, gap: SPACE.xl },
  jump: { position: 'absolute', bottom: SPACE.s, alignSelf: 'center' },
});
