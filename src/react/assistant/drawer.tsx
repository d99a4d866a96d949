/** What lies over a narrow screen, from the side where lines begin. */
import type { ReactNode } from 'react';
import { Modal, Pressable, StyleSheet, View } from 'react-native';
import { SIDEBAR_WIDTH } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { writtenIn } from './web-props.ts';

interface DrawerProps {
  readonly label: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Drawer({ label, isOpen, onClose, children }: DrawerProps) {
  const { colors, direction, reduceMotion } = useAssistantTheme();
  return (
    <Modal
      visible={isOpen}
      transparent
      animationType={reduceMotion ? 'none' : 'fade'}
      onRequestClose={onClose}
      aria-label={label}
    >
      <View {...writtenIn(direction, [styles.whole, { backgroundColor: colors.scrim }])}>
        <View style={styles.panel}>{children}</View>
        <Pressable style={styles.rest} onPress={onClose} tabIndex={-1} aria-hidden />
      </View>
    </Modal>
  );
}

const styles = StyleSheet.create({
  whole: { flex: 1, flexDirection: 'row' },
  panel: { width: SIDEBAR_WIDTH + 16, maxWidth: '85%' },
  rest: { flex: 1 },
});
