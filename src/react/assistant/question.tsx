import { memo } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { RADIUS, SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';

/** What the user has said: as it was typed, never as Markdown. */
export const Question = memo(function Question({ text }: { text: string }) {
  const { colors, strings } = useAssistantTheme();
  return (
    <View role="group" aria-label={strings.you} style={styles.line}>
      <View style={[styles.bubble, { backgroundColor: colors.accentSoft }]}>
        <Text selectable style={[TYPE.body, { color: colors.text }]}>
          {text}
        </Text>
      </View>
    </View>
  );
});

const styles = StyleSheet.create({
  line: { alignItems: 'flex-end' },
  bubble: {
    maxWidth: '88%',
    paddingHorizontal: SPACE.l,
    paddingVertical: SPACE.s,
    borderRadius: RADIUS.l,
    borderBottomEndRadius: RADIUS.s,
  },
});
