import type { SupabaseClient } from '@supabase/supabase-js';
import { useState } from 'react';
import { Pressable, StyleSheet, Text, TextInput, useColorScheme, View } from 'react-native';

/** `App` sees the session that comes of it. */
export function SignIn({ supabase }: { supabase: SupabaseClient }) {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState('');
  const [isBusy, setBusy] = useState(false);
  const color = useColorScheme() === 'dark' ? '#fff' : '#111';
  const input = [styles.input, { color, borderColor: color }];

  async function signIn() {
    setBusy(true);
    setProblem('');
    const { error } = await supabase.auth.signInWithPassword({ email: email.trim(), password });
    if (error) setProblem(inWords(error.code));
    setBusy(false);
  }

  return (
    <View style={styles.form}>
      <Text role="heading" style={[styles.title, { color }]}>
        Sign in to ask Dash
      </Text>
      <TextInput
        style={input}
        value={email}
        onChangeText={setEmail}
        placeholder="E-mail"
        accessibilityLabel="E-mail"
        placeholderTextColor="#888"
        autoCapitalize="none"
        autoComplete="email"
        inputMode="email"
      />
      <TextInput
        style={input}
        value={password}
        onChangeText={setPassword}
        onSubmitEditing={signIn}
        placeholder="Password"
        accessibilityLabel="Password"
        placeholderTextColor="#888"
        autoComplete="current-password"
        secureTextEntry
      />
      {problem !== '' && (
        <Text role="alert" style={{ color }}>
          {problem}
        </Text>
      )}
      <Pressable role="button" style={styles.button} disabled={isBusy} onPress={signIn}>
        <Text style={styles.buttonText}>{isBusy ? 'Signing in…' : 'Sign in'}</Text>
      </Pressable>
    </View>
  );
}

function inWords(code: string | undefined): string {
  if (code === 'invalid_credentials') return 'E-mail and password do not match.';
  if (code === 'email_not_confirmed') return 'Please confirm your e-mail first: we have sent you a link.';
  if (code === 'over_request_rate_limit') return 'Too many attempts. Please wait a minute.';
  return 'That did not work. Are you online? Please try again.';
}

const styles = StyleSheet.create({
  form: {
    flex: 1,
    justifyContent: 'center',
    alignSelf: 'center',
    width: '100%',
    maxWidth: 420,
    padding: 24,
    gap: 16,
  },
  title: { fontSize: 22, fontWeight: '600' },
  input: { fontSize: 16, padding: 12, borderWidth: StyleSheet.hairlineWidth, borderRadius: 10 },
  button: { padding: 14, borderRadius: 10, alignItems: 'center', backgroundColor: '#2456c8' },
  buttonText: { color: '#fff', fontSize: 16, fontWeight: '600' },
});
