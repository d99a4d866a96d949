/** Where a link leads, before it is opened: a model may be talked into writing any. */
import { Linking, StyleSheet, Text, View } from 'react-native';
import { TextButton } from './button.tsx';
import { Dialog, DialogButtons } from './dialog.tsx';
import { MONO } from './markdown/inline.tsx';
import type { SafeLink } from './safe-link.ts';
import { RADIUS, SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';

export function LinkDialog({ link, onClose }: { link: SafeLink | undefined; onClose: () => void }) {
  const { strings } = useAssistantTheme();
  return (
    <Dialog title={strings.linkTitle} isOpen={link !== undefined} onClose={onClose}>
      {link && <Destination link={link} onClose={onClose} />}
    </Dialog>
  );
}

function Destination({ link, onClose }: { link: SafeLink; onClose: () => void }) {
  const { colors, strings } = useAssistantTheme();
  const open = (): void => {
    onClose();
    void Linking.openURL(link.href).catch(() => {}); // the device has nothing that opens it
  };
  return (
    <>
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
          style={[TYPE.label, styles.warning, { color: colors.warning, backgroundColor: colors.warningSoft }]}
        >
          {strings.linkUnusual}
        </Text>
      )}
      <DialogButtons>
        <TextButton tone="outline" label={strings.cancel} onPress={onClose} />
        <TextButton tone="accent" label={strings.openLink} onPress={open} />
      </DialogButtons>
    </>
  );
}

const styles = StyleSheet.create({
  address: { padding: SPACE.m, borderRadius: RADIUS.s },
  href: { writingDirection: 'ltr', fontFamily: MONO },
  warning: { padding: SPACE.m, borderRadius: RADIUS.s },
});
