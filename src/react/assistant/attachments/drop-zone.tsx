/** Where files that are being dragged may be let go: all of what it is put into. */
import { StyleSheet, Text, View } from 'react-native';
import { Icon } from '../icon.tsx';
import { RADIUS, SPACE, TYPE } from '../theme.ts';
import { useAssistantTheme } from '../theme-context.tsx';

export function DropZone() {
  const { colors, strings } = useAssistantTheme();
  return (
    <View style={[StyleSheet.absoluteFill, styles.zone, { backgroundColor: colors.scrim }]}>
      <View style={[styles.card, { backgroundColor: colors.surface, borderColor: colors.accent }]}>
        <Icon name="picture" color={colors.accent} size={30} />
        <Text style={[TYPE.heading3, { color: colors.text }]}>{strings.dropHere}</Text>
      </View>
    </View>
  );
}

const styles = StyleSheet.create({
  /** What is dragged is over what lies below it. */
  zone: { zIndex: 2, pointerEvents: 'none', padding: SPACE.l },
  card: {
    flex: 1,
    alignItems: 'center',
    justifyContent: 'center',
    gap: SPACE.m,
    borderWidth: 2,
    borderStyle: 'dashed',
    borderRadius: RADIUS.l,
  },
});
