/** Where a link leads, before it is opened: a model may be talked into writing any. */
import { Linking, Modal, Pressable, StyleSheet, Text, View } from 'react-native';
import { TextButton } from './button.tsx';
import { MONO } from './markdown/inline.tsx';
import type { SafeLink } from './safe-link.ts';
import { RADIUS, SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { headingLevel, writtenIn } from './web-props.ts';

export function LinkDialog({ link, onClose }: { link: SafeLink | undefined; onClose: () => void }) {
  const { strings, reduceMotion } = useAssistantTheme();
  return (
    <Modal
      visible={link !== undefined}
      transparent
      animationType={reduceMotion ? 'none' : 'fade'}
      onRequestClose={onClose}
      aria-label={strings.linkTitle}
    >
      {link && <LinkCard link={link} onClose={onClose} />}
    </Modal>
  );
}

function LinkCard({ link, onClose }: { link: SafeLink; onClose: () => void }) {
  const { colors, strings, direction } = useAssistantTheme();
  const open = (): void => {
    onClose();
    void Linking.openURL(link.href).catch(() => {}); // the device has nothing that opens it
  };
  return (
    <View {...writtenIn(direction, [styles.scrim, { backgroundColor: colors.scrim }])}>
      <Pressable style={StyleSheet.absoluteFill} onPress={onClose} tabIndex={-1} aria-hidden />
      <View style={[styles.card, { backgroundColor: colors.surface, borderColor: colors.border }]}>
        <Text role="heading" {...headingLevel(2)} style={[TYPE.heading2, { color: colors.text }]}>
          {strings.linkTitle}
        </Text>
        <Text style={[TYPE.label, { color: colors.muted }]}>
          {link.isMail ? strings.mailDetail : strings.linkDetail(link.host)}
        </Text>
        <View style={[styles.address, { backgroundColor: colors.code }]}>
          <Text selectable style={[TYPE.code, styles.href, { color: colors.text }]}>
            {link.href}
          </Text>
        </View>
        {link.isUnusual && (
          <Text
            style={[
              TYPE.label,
              styles.warning,
              { color: colors.warning, backgroundColor: colors.warningSoft },
            ]}
          >
            {strings.linkUnusual}
          </Text>
        )}
        <View style={styles.buttons}>
          <TextButton tone="outline" label={strings.cancel} onPress={onClose} />
          <TextButton tone="accent" label={strings.openLink} onPress={open} />
        </View>
      </View>
    </View>
  );
}

const styles = StyleSheet.create({
  scrim: { flex: 1, alignItems: 'center', justifyContent: 'center', padding: SPACE.l },
  card: {
    width: '100%',
    maxWidth: 460,
    padding: SPACE.xl,
    gap: SPACE.m,
    borderWidth: 1,
    borderRadius: RADIUS.l,
  },
  address: { padding: SPACE.m, borderRadius: RADIUS.s },
  href: { writingDirection: 'ltr', fontFamily: MONO },
  warning: { padding: SPACE.m, borderRadius: RADIUS.s },
  buttons: { flexDirection: 'row', justifyContent: 'flex-end', gap: SPACE.s, marginTop: SPACE.s },
});
