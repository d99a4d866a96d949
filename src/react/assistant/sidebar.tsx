/** The conversations: which is shown, which are being answered, which hold something new. */
import { memo, useState } from 'react';
import { Pressable, ScrollView, StyleSheet, Text, View } from 'react-native';
import type { ConversationSummary } from '../store/conversation-store.ts';
import { useConversations } from '../use-conversations.ts';
import { focusRing, IconButton, TextButton } from './button.tsx';
import { Logo } from './icon.tsx';
import { RADIUS, SPACE, TOUCH, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { headingLevel } from './web-props.ts';

interface SidebarProps {
  readonly shown: string;
  readonly onShow: (id: string) => void;
  readonly onNew: () => void;
  /** Where it lies over the transcript. */
  readonly onClose?: (() => void) | undefined;
}

export const Sidebar = memo(function Sidebar({ shown, onShow, onNew, onClose }: SidebarProps) {
  const { colors, strings } = useAssistantTheme();
  const { list, remove } = useConversations();
  const forget = (id: string): void => {
    remove(id);
    if (id === shown) onNew();
  };
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
        <TextButton tone="outline" icon="plus" label={strings.newConversation} onPress={onNew} />
      </View>
      {list.length === 0 ? (
        <Text style={[TYPE.label, styles.nothing, { color: colors.muted }]}>{strings.noConversations}</Text>
      ) : (
        <ScrollView role="list" contentContainerStyle={styles.list}>
          {list.map((summary) => (
            <Entry
              key={summary.id}
              summary={summary}
              isShown={summary.id === shown}
              onShow={onShow}
              onRemove={forget}
            />
          ))}
        </ScrollView>
      )}
    </View>
  );
});

interface EntryProps {
  readonly summary: ConversationSummary;
  readonly isShown: boolean;
  readonly onShow: (id: string) => void;
  readonly onRemove: (id: string) => void;
}

const Entry = memo(function Entry({ summary, isShown, onShow, onRemove }: EntryProps) {
  const theme = useAssistantTheme();
  const { colors, strings } = theme;
  const { id, title, isAnswering, unread } = summary;
  const [isAsking, setAsking] = useState(false);
  const note = isAnswering ? strings.answering : unread ? strings.unread : undefined;
  if (isAsking) {
    return <Removal title={title} onKeep={() => setAsking(false)} onRemove={() => onRemove(id)} />;
  }
  return (
    <View role="listitem" style={styles.entry}>
      <Pressable
        role="button"
        aria-current={isShown ? 'page' : undefined}
        onPress={() => onShow(id)}
        style={({ pressed, hovered }: { pressed: boolean; hovered?: boolean }) => [
          styles.show,
          focusRing(theme),
          (isShown || pressed || hovered) && { backgroundColor: colors.raised },
        ]}
      >
        <View style={styles.words}>
          <Text numberOfLines={1} style={[TYPE.label, unread && styles.strong, { color: colors.text }]}>
            {title}
          </Text>
          {note && <Text style={[TYPE.small, { color: unread ? colors.accent : colors.muted }]}>{note}</Text>}
        </View>
        {(unread || isAnswering) && (
          <View
            style={[
              styles.dot,
              { borderColor: colors.accent, backgroundColor: unread ? colors.accent : 'transparent' },
            ]}
          />
        )}
      </Pressable>
      {isShown && (
        <IconButton
          icon="bin"
          size={32}
          label={strings.deleteConversation(title)}
          onPress={() => setAsking(true)}
        />
      )}
    </View>
  );
});

interface RemovalProps {
  readonly title: string;
  readonly onKeep: () => void;
  readonly onRemove: () => void;
}

/** Asked before a conversation is forgotten: there is no way back. */
function Removal({ title, onKeep, onRemove }: RemovalProps) {
  const { colors, strings } = useAssistantTheme();
  return (
    <View role="listitem" style={[styles.removal, { backgroundColor: colors.raised }]}>
      <Text numberOfLines={2} style={[TYPE.label, { color: colors.text }]}>
        {strings.deleteQuestion(title)}
      </Text>
      <View style={styles.choice}>
        <TextButton tone="outline" label={strings.cancel} onPress={onKeep} />
        <TextButton tone="outline" icon="bin" label={strings.delete} onPress={onRemove} />
      </View>
    </View>
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
  new: { paddingHorizontal: SPACE.m, paddingBottom: SPACE.m },
  nothing: { paddingHorizontal: SPACE.l, paddingVertical: SPACE.s },
  list: { paddingHorizontal: SPACE.s, paddingBottom: SPACE.l, gap: 2 },
  entry: { flexDirection: 'row', alignItems: 'center', gap: 2 },
  show: {
    flex: 1,
    minWidth: 0,
    minHeight: TOUCH,
    flexDirection: 'row',
    alignItems: 'center',
    gap: SPACE.s,
    paddingHorizontal: SPACE.m,
    paddingVertical: SPACE.s,
    borderRadius: RADIUS.m,
  },
  removal: { gap: SPACE.s, padding: SPACE.m, borderRadius: RADIUS.m },
  choice: { flexDirection: 'row', flexWrap: 'wrap', gap: SPACE.s },
  words: { flex: 1, minWidth: 0 },
  strong: { fontWeight: '600' },
  dot: { width: 10, height: 10, borderRadius: 5, borderWidth: 2 },
});
