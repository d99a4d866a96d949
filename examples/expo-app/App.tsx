import { DashAssistant, DashProvider } from '@dash-relay/client/react';
import * as Clipboard from 'expo-clipboard';
import { ImageManipulator } from 'expo-image-manipulator';
import * as ImagePicker from 'expo-image-picker';
import { StatusBar } from 'expo-status-bar';
import { useEffect, useMemo } from 'react';
import { StyleSheet } from 'react-native';
import { SafeAreaProvider, SafeAreaView } from 'react-native-safe-area-context';
import { conversationStorage, forgetConversations, STORAGE_KEY } from './src/conversation-storage';
import { client } from './src/dash-client';
import { flags } from './src/flags';
import { HeaderControls } from './src/header-controls';
import { MeasurementLine } from './src/measurement-line';
import { forgetPhotos } from './src/photo-files';
import { SignIn } from './src/sign-in';
import { signOut } from './src/sign-out';
import { speak } from './src/speak';
import { supabase } from './src/supabase';
import { useColors } from './src/theme';
import { type Account, useAccount } from './src/use-account';

/** What photos are taken, chosen and made small with on phones; browsers have all that it takes. */
const attachments = flags.offersPhotos ? { ImagePicker, ImageManipulator } : (false as const);

export function App() {
  const { background } = useColors();
  useEffect(forgetLeftovers, []);
  return (
    <SafeAreaProvider>
      <SafeAreaView style={[styles.screen, { backgroundColor: background }]}>
        <Screen />
      </SafeAreaView>
      <StatusBar style="auto" />
    </SafeAreaProvider>
  );
}

function Screen() {
  const account = useAccount();
  if (account === undefined) return null; // a moment, under the splash screen
  if (account === null) return supabase && <SignIn supabase={supabase} />;
  return (
    <DashProvider
      client={client}
      storage={flags.keepsConversations ? conversationStorage : undefined}
      storageKey={STORAGE_KEY}
    >
      <Assistant account={account} />
    </DashProvider>
  );
}

function Assistant({ account }: { account: Account }) {
  // The same element between renderings, for the assistant's sake.
  const controls = useMemo(() => <HeaderControls account={account} onSignOut={signOut} />, [account]);
  return (
    <>
      {flags.showsMeasurements && <MeasurementLine />}
      <DashAssistant
        action="homework_help"
        attachments={attachments}
        headerEnd={controls}
        onCopy={copy}
        onSpeak={speak}
      />
    </>
  );
}

function copy(text: string): void {
  void Clipboard.setStringAsync(text);
}

/** What a version before this one kept, or one that the system ended had no time to remove. */
function forgetLeftovers(): void {
  void forgetPhotos();
  if (!flags.keepsConversations) void forgetConversations();
}

const styles = StyleSheet.create({
  screen: { flex: 1 },
});
