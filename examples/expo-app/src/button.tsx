import { Pressable, StyleSheet, Text } from 'react-native';
import { TOUCH, type, useColors } from './theme';

interface ButtonProps {
  readonly label: string;
  readonly onPress: () => void;
  /** `filled`: what one came for. */
  readonly look?: 'filled' | 'outlined';
  readonly disabled?: boolean;
}

export function Button({ label, onPress, look = 'filled', disabled = false }: ButtonProps) {
  const { accent, onAccent, outline } = useColors();
  const looks = {
    filled: { backgroundColor: accent },
    outlined: { borderColor: outline, borderWidth: 1 },
  };
  const color = look === 'filled' ? onAccent : accent;
  return (
    <Pressable
      role="button"
      aria-disabled={disabled}
      disabled={disabled}
      onPress={onPress}
      style={({ pressed }) => [styles.button, looks[look], (pressed || disabled) && styles.faint]}
    >
      <Text style={[type.button, { color }]}>{label}</Text>
    </Pressable>
  );
}

const styles = StyleSheet.create({
  button: {
    minHeight: TOUCH,
    paddingHorizontal: 20,
    borderRadius: 12,
    alignItems: 'center',
    justifyContent: 'center',
  },
  faint: { opacity: 0.6 },
});
