/** Above the transcript: what it is about, and on a narrow screen the way to the others. */
import { memo, type ReactNode } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { useConversations } from '../use-conversations.ts';
import { IconButton } from './button.tsx';
import { printed } from './print.ts';
import { SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { headingLevel } from './web-props.ts';

interface HeaderProps {
  readonly title: string;
  readonly onMenu: () => void;
  readonly onNew: () => void;
  /** A control of the app's. */
  readonly end: ReactNode;
}

export const Header = memo(function Header({ title, onMenu, onNew, end }: HeaderProps) {
  const { colors, strings, isWide } = useAssistantTheme();
  const { unreadCount } = useConversations();
  const menu =
    unreadCount > 0
      ? `${strings.showConversations}, ${strings.unreadCount(unreadCount)}`
      : strings.showConversations;
  return (
    <View style={[styles.header, { borderColor: colors.border }]}>
      {!isWide && (
        <View>
          <IconButton icon="menu" label={menu} onPress={onMenu} />
          {unreadCount > 0 && (
            <View
              style={[styles.badge, { backgroundColor: colors.accent, borderColor: colors.background }]}
            />
          )}
        </View>
      )}
      <Text
        role="heading"
        {...headingLevel(1)}
        numberOfLines={1}
        {...printed}
        style={[TYPE.heading3, styles.title, isWide && styles.wide, { color: colors.text }]}
      >
        {title || strings.newConversation}
      </Text>
      {!isWide && <IconButton icon="plus" label={strings.newConversation} onPress={onNew} />}
      {end}
    </View>
  );
});

const styles = StyleSheet.create({
  header: {
    minHeight: 60,
    flexDirection: 'row',
    alignItems: 'center',
    gap: SPACE.s,
    paddingHorizontal: SPACE.s,
    borderBottomWidth: 1,
  },
  title: { flex: 1, textAlign: 'center' },
  wide: { textAlign: 'auto', paddingHorizontal: SPACE.l },
  badge: {
    position: 'absolute',
    top: 8,
    end: 6,
    width: 12,
    height: 12,
    borderRadius: 6,
    borderWidth: 2,
    pointerEvents: 'none',
  },
});
