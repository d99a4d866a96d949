import { DashAssistant, DashProvider } from '@dash-relay/client/react';
import { StatusBar } from 'expo-status-bar';
import { Pressable, StyleSheet, Text, useColorScheme } from 'react-native';
import { SafeAreaProvider, SafeAreaView } from 'react-native-safe-area-context';
import { client } from './src/dash-client';
import { SignIn } from './src/sign-in';
import { supabase } from './src/supabase';
import { useSignedIn } from './src/use-signed-in';

export function App() {
  const isDark = useColorScheme() === 'dark';
  return (
    <SafeAreaProvider>
      <SafeAreaView style={[styles.screen, { backgroundColor: isDark ? '#111' : '#fff' }]}>
        <Screen />
      </SafeAreaView>
      <StatusBar style="auto" />
    </SafeAreaProvider>
  );
}

function Screen() {
  const isSignedIn = useSignedIn();
  if (isSignedIn === undefined) return null; // a moment, under the splash screen
  if (!isSignedIn && supabase) return <SignIn supabase={supabase} />;
  return (
    // Without `storage` nothing is kept on the phone: what is asked may be a child's words.
    <DashProvider client={client}>
      {supabase && (
        <Pressable role="button" style={styles.signOut} onPress={signOut}>
          <Text style={styles.signOutText}>Sign out</Text>
        </Pressable>
      )}
      {/* For a Copy button: `npx expo install expo-clipboard`, and onCopy={Clipboard.setStringAsync}. */}
      <DashAssistant action="homework_help" />
    </DashProvider>
  );
}

/** The client first, so that nothing of this user is shown to, or asked as, the next. */
async function signOut() {
  client.signOut();
  // Here alone, and at once: signing out must not wait for a network.
  await supabase?.auth.signOut({ scope: 'local' });
}

const styles = StyleSheet.create({
  screen: { flex: 1 },
  signOut: { alignSelf: 'flex-end', padding: 12 },
  signOutText: { color: '#2f6bff', fontSize: 16 },
});
