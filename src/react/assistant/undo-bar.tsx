/** Says that a conversation was deleted, and brings it back while that is possible. */
import { useEffect, useLayoutEffect, useRef } from 'react';
import { AccessibilityInfo, Platform, StyleSheet, Text, View } from 'react-native';
import { useConversations } from '../use-conversations.ts';
import { type Focusable, TextButton } from './button.tsx';
import { MEASURE, RADIUS, SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { focused, isNothingFocused } from './web-props.ts';

interface UndoBarProps {
  readonly onShow: (id: string) => void;
  /** It is away again, and it had the focus. */
  readonly onGone: () => void;
}

/** The status is there before it says anything: only then is it read out. */
export function UndoBar(props: UndoBarProps) {
  const { strings } = useAssistantTheme();
  const { removed } = useConversations();
  const words = removed && strings.deleted(removed.title);
  useEffect(() => {
    if (words !== undefined && Platform.OS === 'ios') AccessibilityInfo.announceForAccessibility(words);
  }, [words]);
  return (
    <View role="status" aria-live="polite" style={styles.place}>
      {removed && words !== undefined && <Bar key={removed.id} words={words} {...props} />}
    </View>
  );
}

function Bar({ words, onShow, onGone }: UndoBarProps & { words: string }) {
  const { colors, strings } = useAssistantTheme();
  const { undoRemove } = useConversations();
  const button = useRef<Focusable>(null);
  const wasLost = useRef(false);
  const leave = useRef(onGone);
  useLayoutEffect(() => {
    leave.current = onGone;
  });
  useLayoutEffect(() => {
    const own = button.current;
    wasLost.current = isNothingFocused(); // what was pressed is gone with its conversation
    return () => {
      if (own !== null && focused() === own) leave.current();
    };
  }, []);
  // After the field in which one asks: it takes the focus where another conversation comes, and there is little time to undo.
  useEffect(() => {
    if (wasLost.current) queueMicrotask(() => button.current?.focus());
  }, []);
  const undo = (): void => {
    const id = undoRemove();
    if (id !== undefined) onShow(id);
  };
  return (
    <View style={[styles.bar, { backgroundColor: colors.raised, borderColor: colors.outline }]}>
      <Text numberOfLines={3} style={[TYPE.label, styles.words, { color: colors.text }]}>
        {words}
      </Text>
      <TextButton ref={button} tone="outline" label={strings.undo} onPress={undo} />
    </View>
  );
}

const styles = StyleSheet.create({
  place: { paddingHorizontal: SPACE.m },
  bar: {
    flexDirection: 'row',
    flexWrap: 'wrap', // in a drawer the button stands below
    alignItems: 'center',
    justifyContent: 'flex-end',
    columnGap: SPACE.m,
    rowGap: SPACE.xs,
    alignSelf: 'center',
    width: '100%',
    maxWidth: MEASURE + 2 * SPACE.l,
    marginTop: SPACE.s,
    paddingVertical: SPACE.s,
    paddingStart: SPACE.l,
    paddingEnd: SPACE.s,
    borderWidth: 1,
    borderRadius: RADIUS.m,
  },
  words: { flexGrow: 1, flexShrink: 1, flexBasis: 180 },
});
