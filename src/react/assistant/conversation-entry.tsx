/** One conversation of the list, with all that can be done with it: a press away, for the keyboard and fingers alike. */
import { memo, useLayoutEffect, useRef, useState } from 'react';
import { Pressable, StyleSheet, Text, TextInput, type TextInputInstance, View } from 'react-native';
import { useDash } from '../dash-provider.tsx';
import type { ConversationSummary } from '../store/conversation-store.ts';

import { type Focusable, focusRing, IconButton, TextButton } from './button.tsx';
import { ENTRY } from './entry-styles.ts';
import { browserPrint } from './print.ts';
import { RADIUS, SPACE, TOUCH, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { type InputKeyEvent, isOfInputMethod, marked, onKeys } from './web-props.ts';

/** By the id of a conversation. */
export interface EntryActions {
  readonly onShow: (id: string) => void;
  readonly onSave: (id: string) => void;
  readonly onPrint: (id: string) => void;
  readonly onRemove: (id: string) => void;
}

interface EntryProps extends EntryActions {
  readonly summary: ConversationSummary;
  readonly distinction: string | undefined;
  readonly when: string;
  /** What a search has found in it, beside its title. */
  readonly excerpt: string | undefined;
  readonly isShown: boolean;
  /** What can be done is shown. */
  readonly isOpen: boolean;
  readonly onOpen: (id: string | undefined) => void;
}

export const ConversationEntry = memo(function ConversationEntry(props: EntryProps) {
  const { strings, colors } = useAssistantTheme();
  const { summary, isOpen, onOpen, distinction } = props;
  const { id } = summary;
  const [isNamed, setNamed] = useState(false);
  const more = useRef<Focusable>(null);
  const { conversations } = useDash(); // not the list of all: this is drawn again for itself alone
  const backToMore = (): void => more.current?.focus();
  const name = distinction === undefined ? summary.title : `${summary.title}, ${distinction}`;
  const keys = onKeys(({ key }) => {
    if (key !== 'Escape' || !isOpen) return false;
    onOpen(undefined);
    backToMore();
    return true;
  });
  const endNaming = (next?: string): void => {
    if (next !== undefined) conversations.get(id).rename(next);
    setNamed(false);
    onOpen(undefined);
    backToMore();
  };
  return (
    <View
      role="listitem"
      style={[
        isOpen && styles.open,
        isOpen && { borderColor: colors.border, backgroundColor: colors.surface },
      ]}
      {...keys}
    >
      <View style={styles.line}>
        <Title {...props} />
        <IconButton
          ref={more}
          icon="more"
          size={36}
          label={strings.moreFor(name)}
          expanded={isOpen}
          onPress={() => {
            setNamed(false);
            onOpen(isOpen ? undefined : id);
          }}
        />
      </View>
      {isOpen && isNamed && <NameField title={summary.title} onEnd={endNaming} />}
      {isOpen && !isNamed && <Actions {...props} name={name} onRename={() => setNamed(true)} />}
    </View>
  );
});

function Title({ summary, distinction, when, excerpt, isShown, onShow }: EntryProps) {
  const theme = useAssistantTheme();
  const { colors, strings } = theme;
  const { id, title, isAnswering, unread } = summary;
  const note = isAnswering ? strings.answering : unread ? strings.unread : undefined;
  const date = distinction ?? when;
  return (
    <Pressable
      role="button"
      aria-current={isShown ? 'page' : undefined}
      onPress={() => onShow(id)}
      {...marked('dashEntry')}
      style={({ pressed, hovered }: { pressed: boolean; hovered?: boolean }) => [
        ENTRY.pressed,
        styles.show,
        focusRing(theme),
        (isShown || pressed || hovered) && { backgroundColor: colors.raised },
      ]}
    >
      <View style={ENTRY.words}>
        <Text numberOfLines={1} style={[TYPE.label, unread && styles.strong, { color: colors.text }]}>
          {title}
        </Text>
        {excerpt !== undefined && (
          <Text numberOfLines={2} style={[TYPE.small, { color: colors.text }]}>
            {excerpt}
          </Text>
        )}
        <Text numberOfLines={1} style={[TYPE.small, { color: unread ? colors.accent : colors.muted }]}>
          {note === undefined ? date : `${note} · ${date}`}
        </Text>
      </View>
      {(unread || isAnswering) && (
        <View
          style={[
            ENTRY.dot,
            { borderColor: colors.accent, backgroundColor: unread ? colors.accent : 'transparent' },
          ]}
        />
      )}
    </Pressable>
  );
}

interface ActionsProps extends EntryProps {
  readonly name: string;
  readonly onRename: () => void;
}

function Actions({ summary: { id }, name, onRename, onOpen, onSave, onPrint, onRemove }: ActionsProps) {
  const { strings } = useAssistantTheme();
  const closing = (act: (id: string) => void) => (): void => {
    onOpen(undefined);
    act(id);
  };
  return (
    <View style={styles.actions}>
      <TextButton icon="pen" label={strings.rename} onPress={onRename} />
      <TextButton icon="save" label={strings.saveConversation} onPress={() => onSave(id)} />
      {browserPrint() && <TextButton icon="page" label={strings.print} onPress={closing(onPrint)} />}
      <TextButton
        icon="bin"
        label={strings.delete}
        name={strings.deleteConversation(name)}
        onPress={closing(onRemove)}
      />
    </View>
  );
}

interface NameFieldProps {
  readonly title: string;
  /** Without a name: it stays as it is. */
  readonly onEnd: (name?: string) => void;
}

function NameField({ title, onEnd }: NameFieldProps) {
  const { colors, strings } = useAssistantTheme();
  const input = useRef<TextInputInstance>(null);
  const [name, setName] = useState(title);
  useLayoutEffect(() => input.current?.focus(), []);
  const onKeyPress = (event: InputKeyEvent): void => {
    const { key } = event.nativeEvent;
    if (isOfInputMethod(event.nativeEvent) || !['Enter', 'Escape'].includes(key)) return;
    event.preventDefault?.(); // the focus moves on: the key would press what has it then
    onEnd(key === 'Enter' ? name : undefined);
  };
  return (
    <View style={styles.naming}>
      <TextInput
        ref={input}
        value={name}
        onChangeText={setName}
        onKeyPress={onKeyPress as (event: object) => void}
        selectTextOnFocus
        maxLength={200}
        aria-label={strings.conversationName}
        style={[
          TYPE.label,
          styles.name,
          { color: colors.text, borderColor: colors.outline, outlineColor: colors.accent },
        ]}
      />
      <View style={styles.choice}>
        <TextButton tone="outline" label={strings.cancel} onPress={() => onEnd()} />
        <TextButton tone="accent" label={strings.saveName} onPress={() => onEnd(name)} />
      </View>
    </View>
  );
}

const styles = StyleSheet.create({
  open: { borderWidth: 1, borderRadius: RADIUS.m, overflow: 'hidden' },
  line: { flexDirection: 'row', alignItems: 'center', gap: 2 },
  show: { flex: 1, minWidth: 0 },
  strong: { fontWeight: '600' },
  actions: { alignItems: 'stretch', paddingBottom: SPACE.xs },
  naming: { gap: SPACE.s, padding: SPACE.s },
  name: { minHeight: TOUCH, paddingHorizontal: SPACE.m, borderWidth: 1, borderRadius: RADIUS.m },
  choice: { flexDirection: 'row', flexWrap: 'wrap', justifyContent: 'flex-end', gap: SPACE.s },
});
