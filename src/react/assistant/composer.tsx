/** Where questions are typed. Enter sends on a keyboard, Shift+Enter begins a new line; while an answer comes it stops it. */
import { memo, type RefObject, useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { Platform, StyleSheet, Text, TextInput, type TextInputInstance, View } from 'react-native';
import { useDash } from '../dash-provider.tsx';
import { AttachButton, AttachMenu } from './attachments/attach-button.tsx';
import type { Source } from './attachments/attachment-options.ts';
import { Tray } from './attachments/tray.tsx';
import type { Attaching } from './attachments/use-attaching.ts';
import { useSending } from './attachments/use-sending.ts';
import { type Focusable, IconButton, TextButton } from './button.tsx';
import { MEASURE, RADIUS, SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { growing, type InputKeyEvent, isOfInputMethod, onKeys, typedIn } from './web-props.ts';

interface ComposerProps {
  /** Whose draft is written here. */
  readonly conversation: string;
  readonly attaching: Attaching;
  readonly isAnswering: boolean;
  /** False: the text stays. */
  readonly onSend: (text: string) => boolean;
  readonly onStop: () => void;
  /** Whether the device has a keyboard at hand: then typing may begin at once. */
  readonly autoFocus: boolean;
  /** The field in which one types. */
  readonly input: RefObject<TextInputInstance | null>;
  /** Something is typed, or was before. Keep the function the same between renderings. */
  readonly onTyped: () => void;
}

export const Composer = memo(function Composer({
  conversation,
  attaching,
  isAnswering,
  onSend,
  onStop,
  autoFocus,
  input,
  onTyped,
}: ComposerProps) {
  const { colors, strings, direction } = useAssistantTheme();
  const [text, setText] = useDraft(conversation);
  const hasText = text !== '';
  useEffect(() => {
    if (hasText) onTyped();
  }, [hasText, onTyped]);
  const [isFocused, setFocused] = useState(false);
  const reached = useRef<string>(undefined);
  useEffect(() => {
    if (autoFocus && reached.current !== conversation) input.current?.focus();
    reached.current = conversation;
  }, [autoFocus, conversation, input]);
  const menu = useMenu(attaching);
  const { canSend, note, isWaiting, send, stopWaiting } = useSending(
    conversation,
    text,
    attaching.files,
    (question) => {
      const isAsked = onSend(question);
      if (isAsked) setText('');
      return isAsked;
    },
  );
  const stop = (): void => {
    onStop();
    // The button goes: with a keyboard, what is typed next belongs here.
    if (autoFocus) input.current?.focus();
  };
  const onKeyPress = (event: InputKeyEvent): void => {
    const { key, shiftKey } = event.nativeEvent;
    if (isOfInputMethod(event.nativeEvent)) return;
    if (key === 'Escape' && isAnswering) onStop();
    // Soft keyboards have no other key for a new line.
    if (key !== 'Enter' || shiftKey || Platform.OS !== 'web') return;
    event.preventDefault?.();
    send();
  };
  return (
    <View style={[styles.place, aboveEdge]} {...menu.keys}>
      <View
        style={[
          styles.box,
          { backgroundColor: colors.surface, borderColor: isFocused ? colors.accent : colors.outline },
        ]}
      >
        <Tray files={attaching.files} onRemoved={menu.focusBack} />
        {menu.isOpen && <AttachMenu sources={attaching.sources} onChoose={menu.choose} />}
        <Note text={attaching.notice || note} onCancel={isWaiting ? stopWaiting : undefined} />
        <View style={styles.row}>
          <AttachButton
            ref={menu.button}
            sources={attaching.sources}
            isOpen={menu.isOpen}
            onToggle={menu.toggle}
            onChoose={menu.choose}
          />
          <TextInput
            ref={input}
            value={text}
            onChangeText={setText}
            onKeyPress={onKeyPress as (event: object) => void}
            onFocus={() => setFocused(true)}
            onBlur={() => setFocused(false)}
            multiline
            numberOfLines={1}
            aria-label={strings.placeholder}
            placeholder={strings.placeholder}
            placeholderTextColor={colors.muted}
            {...typedIn(text, direction)}
            style={[styles.input, growing, { color: colors.text }]}
          />
          {isAnswering ? (
            <IconButton icon="stop" tone="accent" size={40} label={strings.stop} onPress={stop} />
          ) : (
            <IconButton
              icon="send"
              tone="accent"
              size={40}
              label={strings.send}
              disabled={!canSend}
              onPress={send}
            />
          )}
        </View>
      </View>
    </View>
  );
});

/** What a person has to know before it is sent. */
function Note({ text, onCancel }: { text: string; onCancel: (() => void) | undefined }) {
  const { colors, strings } = useAssistantTheme();
  return (
    <View role="status" style={text !== '' && styles.note}>
      {text !== '' && <Text style={[TYPE.small, styles.noteWords, { color: colors.muted }]}>{text}</Text>}
      {onCancel && <TextButton label={strings.dontSendYet} onPress={onCancel} />}
    </View>
  );
}

/** The ways to attach something: open or not. What was pressed goes with it, and the focus goes back. */
function useMenu({ choose }: Attaching) {
  const button = useRef<Focusable>(null);
  const [isOpen, setOpen] = useState(false);
  const focusBack = useCallback(() => button.current?.focus(), []);
  const close = (): void => {
    setOpen(false);
    focusBack();
  };
  return {
    button,
    isOpen,
    focusBack,
    toggle: () => setOpen(!isOpen),
    choose: (source: Source) => {
      choose(source); // first: a browser opens its dialog only while a press is handled
      if (isOpen) close();
    },
    keys: onKeys(({ key }) => {
      if (key !== 'Escape' || !isOpen) return false;
      close();
      return true;
    }),
  };
}

/** What is typed belongs to the conversation, not to the field: it is there again when one comes back. */
function useDraft(conversation: string) {
  const { draft } = useDash().conversations.get(conversation);
  return [useSyncExternalStore(draft.subscribe, draft.getSnapshot, draft.getSnapshot), draft.write] as const;
}

/** Of the home bar of a phone, where a page reaches to its edge; apps keep clear of it by their own safe area. */
const aboveEdge =
  Platform.OS === 'web'
    ? ({ paddingBottom: `max(${SPACE.m}px, env(safe-area-inset-bottom))` } as object)
    : undefined;

const styles = StyleSheet.create({
  place: { alignItems: 'center', paddingHorizontal: SPACE.m, paddingBottom: SPACE.m, paddingTop: SPACE.s },
  box: {
    width: '100%',
    maxWidth: MEASURE + 2 * SPACE.l,
    padding: SPACE.s - 2,
    borderWidth: 1.5,
    borderRadius: RADIUS.l + 6,
  },
  row: { flexDirection: 'row', alignItems: 'flex-end', gap: SPACE.xs },
  note: {
    flexDirection: 'row',
    flexWrap: 'wrap',
    alignItems: 'center',
    paddingHorizontal: SPACE.m,
    paddingBottom: SPACE.xs,
    gap: SPACE.s,
  },
  noteWords: { flexShrink: 1 },
  input: {
    flex: 1,
    minWidth: 0,
    minHeight: 40,
    maxHeight: 168,
    paddingHorizontal: SPACE.m,
    paddingVertical: 8,
    fontSize: 16,
    lineHeight: 24,
  },
});
