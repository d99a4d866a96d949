/** What lies over a narrow screen, from the side where lines begin. */
import type { ReactNode } from 'react';
import { StyleSheet, View } from 'react-native';
import { Beside, Overlay } from './overlay.tsx';
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
  const { colors, direction } = useAssistantTheme();
  return (
    <Overlay label={label} isOpen={isOpen} onClose={onClose}>
      <View {...writtenIn(direction, [styles.whole, { backgroundColor: colors.scrim }])}>
        <View style={styles.panel}>{children}</View>
        <Beside style={styles.rest} onPress={onClose} />
      </View>
    </Overlay>
  );
}

const styles = StyleSheet.create({
  whole: { flex: 1, flexDirection: 'row' },
  panel: { width: SIDEBAR_WIDTH + 16, maxWidth: '85%' },
  rest: { flex: 1 },
});
