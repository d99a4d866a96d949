/** Tells of a network that is away, above the transcript. */
import { memo } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { useConnection } from '../dash-provider.tsx';
import { SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';

export const Banner = memo(function Banner({ isAnswering }: { isAnswering: boolean }) {
  const { colors, strings } = useAssistantTheme();
  const connection = useConnection();
  if (connection === 'online') return null;
  const offline = isAnswering ? strings.offlineAnswering : strings.offline;
  const words = { offline, reconnecting: strings.reconnecting, waiting: strings.networkWaits }[connection];
  return (
    <View role="status" style={[styles.banner, { backgroundColor: colors.warningSoft }]}>
      <View style={[styles.dot, { backgroundColor: colors.warning }]} />
      <Text style={[TYPE.label, styles.words, { color: colors.warning }]}>{words}</Text>
    </View>
  );
});

const styles = StyleSheet.create({
  banner: {
    flexDirection: 'row',
    alignItems: 'center',
    justifyContent: 'center',
    gap: SPACE.s,
    paddingVertical: SPACE.s,
    paddingHorizontal: SPACE.l,
  },
  dot: { width: 8, height: 8, borderRadius: 4 },
  words: { flexShrink: 1 },
});
