/** A card over everything else, left by Escape, by the way back, or by pressing beside it. */
import type { ReactNode } from 'react';
import { ScrollView, StyleSheet, Text, View } from 'react-native';
import { Beside, Overlay } from './overlay.tsx';
import { RADIUS, SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { headingLevel, writtenIn } from './web-props.ts';

interface DialogProps {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Dialog({ title, isOpen, onClose, children }: DialogProps) {
  const { colors, direction, strings } = useAssistantTheme();
  return (
    <Overlay label={title} isOpen={isOpen} onClose={onClose}>
      <View {...writtenIn(direction, [styles.scrim, { backgroundColor: colors.scrim }], strings.locale)}>
        <Beside style={StyleSheet.absoluteFill} onPress={onClose} />
        <ScrollView
          style={[styles.card, { backgroundColor: colors.surface, borderColor: colors.border }]}
          contentContainerStyle={styles.content}
          keyboardShouldPersistTaps="handled"
        >
          <Text role="heading" {...headingLevel(2)} style={[TYPE.heading2, { color: colors.text }]}>
            {title}
          </Text>
          {children}
        </ScrollView>
      </View>
    </Overlay>
  );
}

/** The buttons at its end. */
export function DialogButtons({ children }: { children: ReactNode }) {
  return <View style={styles.buttons}>{children}</View>;
}

const styles = StyleSheet.create({
  scrim: { flex: 1, alignItems: 'center', justifyContent: 'center', padding: SPACE.l },
  card: {
    width: '100%',
    maxWidth: 460,
    maxHeight: '100%',
    flexGrow: 0,
    borderWidth: 1,
    borderRadius: RADIUS.l,
  },
  content: { padding: SPACE.xl, gap: SPACE.m },
  buttons: {
    flexDirection: 'row',
    flexWrap: 'wrap',
    justifyContent: 'flex-end',
    gap: SPACE.s,
    marginTop: SPACE.s,
  },
});
