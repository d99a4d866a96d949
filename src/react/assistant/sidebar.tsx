/** The conversations: which is shown, which are being answered, which hold something new; found by a word. */
import { memo, type ReactNode, useMemo, useRef, useState } from 'react';
import { ScrollView, StyleSheet, Text, TextInput, View } from 'react-native';
import { useConversations } from '../use-conversations.ts';
import { type Focusable, IconButton, TextButton } from './button.tsx';
import { ConversationEntry, type EntryActions } from './conversation-entry.tsx';
import { groupConversations } from './conversation-list.ts';
import { Logo } from './icon.tsx';
import { RADIUS, SPACE, TOUCH, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { UndoBar } from './undo-bar.tsx';
import { useToday } from './use-today.ts';
import {
  headingLevel,
  type InputKeyEvent,
  isOfInputMethod,
  onKeys,
  stepsThrough,
  typedIn,
} from './web-props.ts';

interface SidebarProps extends EntryActions {
  /** Answers of other devices, above the conversations. */
  readonly elsewhere: ReactNode;
  readonly shown: string;
  readonly onNew: () => void;
  /** Where it lies over the transcript. */
  readonly onClose?: (() => void) | undefined;
}

export const Sidebar = memo(function Sidebar({ shown, onNew, onClose, elsewhere, ...actions }: SidebarProps) {
  const { colors, strings } = useAssistantTheme();
  const { list, search, excerpt } = useConversations();
  const [query, setQuery] = useState('');
  const begin = useRef<Focusable>(null);
  const isSearched = query.trim() !== '';
  const found = isSearched ? search(query) : list;
  const excerptIn = (id: string) => (isSearched ? excerpt(id, query) : undefined);
  return (
    <View
      role="navigation"
      aria-label={strings.conversations}
      style={[styles.sidebar, { backgroundColor: colors.sidebar, borderColor: colors.border }]}
    >
      <View style={styles.head}>
        <Logo size={28} />
        <Text role="heading" {...headingLevel(2)} style={[TYPE.heading3, { color: colors.text }]}>
          {strings.assistant}
        </Text>
        <View style={styles.gap} />
        {onClose && <IconButton icon="close" label={strings.hideConversations} onPress={onClose} />}
      </View>
      <View style={styles.new}>
        <TextButton ref={begin} tone="outline" icon="plus" label={strings.newConversation} onPress={onNew} />
        {list.length > 0 && <SearchField query={query} found={found.length} onChange={setQuery} />}
      </View>
      {elsewhere}
      {list.length === 0 ? (
        <Text style={[TYPE.label, styles.nothing, { color: colors.muted }]}>{strings.noConversations}</Text>
      ) : (
        <Groups list={found} excerptIn={excerptIn} shown={shown} {...actions} />
      )}
      {onClose && <UndoBar onShow={actions.onShow} onGone={() => begin.current?.focus()} />}
    </View>
  );
});

interface SearchFieldProps {
  readonly query: string;
  readonly found: number;
  readonly onChange: (query: string) => void;
}

function SearchField({ query, found, onChange }: SearchFieldProps) {
  const { colors, strings, direction } = useAssistantTheme();
  const [isFocused, setFocused] = useState(false);
  const onKeyPress = ({ nativeEvent }: InputKeyEvent): void => {
    if (nativeEvent.key === 'Escape' && !isOfInputMethod(nativeEvent)) onChange('');
  };
  const isSearched = query.trim() !== '';
  return (
    <View>
      <TextInput
        role="searchbox"
        value={query}
        onChangeText={onChange}
        onKeyPress={onKeyPress as (event: object) => void}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
        aria-label={strings.searchConversations}
        placeholder={strings.searchConversations}
        placeholderTextColor={colors.muted}
        {...typedIn(query, direction)}
        style={[
          TYPE.label,
          styles.search,
          {
            color: colors.text,
            backgroundColor: colors.surface,
            borderColor: isFocused ? colors.accent : colors.outline,
            outlineColor: colors.accent,
          },
        ]}
      />
      <Text
        role="status"
        aria-live="polite"
        style={[TYPE.small, isSearched && styles.found, { color: colors.muted }]}
      >
        {isSearched && (found === 0 ? strings.nothingFound : strings.foundConversations(found))}
      </Text>
    </View>
  );
}

interface GroupsProps extends EntryActions {
  readonly list: ReturnType<typeof useConversations>['list'];
  /** What was found in it. */
  readonly excerptIn: (id: string) => string | undefined;
  readonly shown: string;
}

function Groups({ list, excerptIn, shown, ...actions }: GroupsProps) {
  const { colors, strings } = useAssistantTheme();
  const today = useToday();
  const [opened, setOpened] = useState<string>();
  const scroller = useRef(null);
  const groups = useMemo(
    () => groupConversations(list, Math.max(today, list[0]?.askedAt ?? 0), strings.locale),
    [list, today, strings.locale],
  );
  const keys = onKeys(stepsThrough(scroller, '[data-dash-entry]'));
  return (
    <ScrollView ref={scroller} contentContainerStyle={styles.list} {...keys}>
      {groups.map(({ group, entries }) => (
        <View key={group} style={styles.group}>
          <Text
            role="heading"
            {...headingLevel(3)}
            style={[TYPE.small, styles.when, { color: colors.muted }]}
          >
            {strings.groups[group]}
          </Text>
          <View role="list" aria-label={strings.groups[group]} style={styles.entries}>
            {entries.map(({ summary, distinction, when }) => (
              <ConversationEntry
                key={summary.id}
                summary={summary}
                distinction={distinction}
                when={when}
                excerpt={excerptIn(summary.id)}
                isShown={summary.id === shown}
                isOpen={summary.id === opened}
                onOpen={setOpened}
                {...actions}
              />
            ))}
          </View>
        </View>
      ))}
    </ScrollView>
  );
}

const styles = StyleSheet.create({
  sidebar: { flex: 1, borderEndWidth: 1 },
  head: {
    flexDirection: 'row',
    alignItems: 'center',
    gap: SPACE.m,
    minHeight: 60,
    paddingStart: SPACE.l,
    paddingEnd: SPACE.s,
  },
  gap: { flex: 1 },
  new: { paddingHorizontal: SPACE.m, paddingBottom: SPACE.s, gap: SPACE.s },
  search: { minHeight: TOUCH, paddingHorizontal: SPACE.m, borderWidth: 1, borderRadius: RADIUS.m },
  found: { paddingTop: SPACE.xs, paddingHorizontal: SPACE.m },
  nothing: { paddingHorizontal: SPACE.l, paddingVertical: SPACE.s },
  list: { paddingHorizontal: SPACE.s, paddingBottom: SPACE.l, gap: SPACE.m },
  group: { gap: SPACE.xs },
  when: { fontWeight: '600', paddingHorizontal: SPACE.m },
  entries: { gap: 2 },
});
