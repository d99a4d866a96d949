/** What lies over all else. Escape and the way back close it; in browsers the focus stays in it, and goes back to where it was. */
import type { ReactNode } from 'react';
import { Modal, type StyleProp, View, type ViewStyle } from 'react-native';
import { useAssistantTheme } from './theme-context.tsx';

interface OverlayProps {
  /** To screen readers. */
  readonly label: string | undefined;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Overlay({ label, isOpen, onClose, children }: OverlayProps) {
  const { reduceMotion } = useAssistantTheme();
  return (
    <Modal
      visible={isOpen}
      transparent
      animationType={reduceMotion ? 'none' : 'fade'}
      onRequestClose={onClose}
      aria-label={label}
    >
      {children}
    </Modal>
  );
}

/** What lies beside: a press on it closes. No control, so that no focus gets there that nobody would hear of. */
export function Beside({ style, onPress }: { style: StyleProp<ViewStyle>; onPress: () => void }) {
  return <View style={style} onStartShouldSetResponder={always} onResponderRelease={onPress} aria-hidden />;
}

const always = (): boolean => true;
