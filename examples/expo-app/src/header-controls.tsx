import { useState } from 'react';
import { Modal, Pressable, StyleSheet, Text, View } from 'react-native';
import { Button } from './button';
import { TOUCH, type, useColors } from './theme';
import type { Account } from './use-account';

interface HeaderControlsProps {
  readonly account: Account;
  readonly onSignOut: () => void;
}

/** At the end of the assistant's header: what belongs to the app rather than to it. */
export function HeaderControls({ account, onSignOut }: HeaderControlsProps) {
  const [isOpen, setOpen] = useState(false);
  const { accent } = useColors();
  const name = account.email ?? 'A user of this computer';
  return (
    <>
      <Pressable
        role="button"
        aria-label="Your account"
        aria-expanded={isOpen}
        onPress={() => setOpen(true)}
        style={styles.account}
      >
        <View aria-hidden style={[styles.badge, { borderColor: accent }]}>
          <Text style={[type.label, { color: accent }]}>{name.charAt(0).toUpperCase()}</Text>
        </View>
      </Pressable>
      {isOpen && <AccountSheet name={name} onClose={() => setOpen(false)} onSignOut={onSignOut} />}
    </>
  );
}

interface AccountSheetProps {
  readonly name: string;
  readonly onClose: () => void;
  readonly onSignOut: () => void;
}

function AccountSheet({ name, onClose, onSignOut }: AccountSheetProps) {
  const { surface, border, text, muted } = useColors();
  return (
    <Modal aria-label="Your account" transparent animationType="fade" onRequestClose={onClose}>
      <View style={styles.scrim}>
        <View style={[styles.sheet, { backgroundColor: surface, borderColor: border }]}>
          <Text role="heading" style={[type.body, styles.name, { color: text }]}>
            {name}
          </Text>
          <Text style={[type.label, { color: muted }]}>
            Signing out stops what is being answered and forgets what is kept on this device.
          </Text>
          <Button label="Sign out" onPress={onSignOut} />
          <Button look="outlined" label="Stay" onPress={onClose} />
        </View>
      </View>
    </Modal>
  );
}

const styles = StyleSheet.create({
  account: { width: TOUCH, height: TOUCH, alignItems: 'center', justifyContent: 'center' },
  badge: {
    width: 32,
    height: 32,
    borderRadius: 16,
    borderWidth: 1.5,
    alignItems: 'center',
    justifyContent: 'center',
  },
  scrim: { flex: 1, justifyContent: 'center', padding: 24, backgroundColor: 'rgba(20, 28, 26, 0.5)' },
  sheet: {
    width: '100%',
    maxWidth: 360,
    alignSelf: 'center',
    padding: 20,
    gap: 12,
    borderRadius: 20,
    borderWidth: 1,
  },
  name: { fontWeight: '600' },
});
