/** Says that a conversation was deleted, and brings it back while that is possible. */
import { useEffect, useLayoutEffect, useRef } from 'react';
import { AccessibilityInfo, Platform, StyleSheet, View } from 'react-native';
import { useConversations } from '../use-conversations.ts';
import { type Focusable, TextButton } from './button.tsx';
import { NoteBar } from './note-bar.tsx';
import { SPACE } from './theme.ts';
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
  const { strings } = useAssistantTheme();
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
    <NoteBar words={words} lines={3}>
      <TextButton ref={button} tone="outline" label={strings.undo} onPress={undo} />
    </NoteBar>
  );
}

const styles = StyleSheet.create({
  place: { paddingHorizontal: SPACE.m },
});
