import { StyleSheet, View } from 'react-native';
import { useAssistantTheme } from './theme-context.tsx';

/** Dash's sign: a dash that is on its way. */
export function Mark({ size }: { size: number }) {
  const { colors } = useAssistantTheme();
  const stroke = { height: size * 0.11, borderRadius: size * 0.06, backgroundColor: colors.onAccent };
  return (
    <View
      aria-hidden
      style={[
        styles.mark,
        {
          width: size,
          height: size,
          borderRadius: size * 0.3,
          backgroundColor: colors.accent,
          gap: size * 0.09,
        },
      ]}
    >
      <View style={[stroke, { width: size * 0.26, marginStart: size * 0.2, opacity: 0.7 }]} />
      <View style={[stroke, { width: size * 0.5 }]} />
      <View style={[stroke, { width: size * 0.26, marginEnd: size * 0.2, opacity: 0.7 }]} />
    </View>
  );
}

const styles = StyleSheet.create({ mark: { alignItems: 'center', justifyContent: 'center' } });
