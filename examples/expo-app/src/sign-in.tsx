import type { SupabaseClient } from '@supabase/supabase-js';
import { type ReactNode, useRef, useState } from 'react';
import {
  KeyboardAvoidingView,
  Platform,
  StyleSheet,
  Text,
  TextInput,
  type TextInputInstance,
  View,
} from 'react-native';
import { Button } from './button';
import { type, useColors } from './theme';

/** Of a heading, for browsers; phones have no ranks. */
const FIRST_RANK = { 'aria-level': 1 } as object;

/** `App` sees the session that comes of it. */
export function SignIn({ supabase }: { supabase: SupabaseClient }) {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState('');
  const [isBusy, setBusy] = useState(false);
  const passwordField = useRef<TextInputInstance>(null);
  const { text, danger, muted } = useColors();
  const input = useInputStyle();

  async function signIn() {
    if (isBusy) return; // the Enter key asks as well
    setBusy(true);
    setProblem('');
    const { error } = await supabase.auth.signInWithPassword({ email: email.trim(), password });
    if (error) setProblem(inWords(error.code));
    setBusy(false);
  }

  return (
    <KeyboardAvoidingView
      role="main"
      {...(Platform.OS === 'ios' && { behavior: 'padding' })}
      style={styles.screen}
    >
      <View role="form" style={styles.form}>
        <Text role="heading" {...FIRST_RANK} style={[type.title, { color: text }]}>
          Sign in to ask Dash
        </Text>
        <Text style={[type.body, { color: muted }]}>With the account of your school app.</Text>
        <Field label="E-mail">
          <TextInput
            style={input}
            value={email}
            onChangeText={setEmail}
            onSubmitEditing={() => passwordField.current?.focus()}
            submitBehavior="submit"
            aria-label="E-mail"
            autoCapitalize="none"
            autoComplete="email"
            autoCorrect={false}
            inputMode="email"
            enterKeyHint="next"
          />
        </Field>
        <Field label="Password">
          <TextInput
            ref={passwordField}
            style={input}
            value={password}
            onChangeText={setPassword}
            onSubmitEditing={signIn}
            aria-label="Password"
            autoCapitalize="none"
            autoComplete="current-password"
            enterKeyHint="done"
            secureTextEntry
          />
        </Field>
        {problem !== '' && (
          <Text role="alert" style={[type.body, { color: danger }]}>
            {problem}
          </Text>
        )}
        <Button
          label={isBusy ? 'Signing in…' : 'Sign in'}
          disabled={isBusy || email.trim() === '' || password === ''}
          onPress={signIn}
        />
      </View>
    </KeyboardAvoidingView>
  );
}

function Field({ label, children }: { label: string; children: ReactNode }) {
  const { text } = useColors();
  return (
    <View style={styles.field}>
      {/* Screen readers have it from the field itself. */}
      <Text aria-hidden style={[type.label, { color: text }]}>
        {label}
      </Text>
      {children}
    </View>
  );
}

function useInputStyle() {
  const { text, surface, outline } = useColors();
  return [styles.input, { color: text, backgroundColor: surface, borderColor: outline }];
}

function inWords(code: string | undefined): string {
  if (code === 'invalid_credentials') return 'E-mail and password do not match.';
  if (code === 'email_not_confirmed') return 'Please confirm your e-mail first: we have sent you a link.';
  if (code === 'over_request_rate_limit') return 'Too many attempts. Please wait a minute.';
  return 'That did not work. Are you online? Please try again.';
}

const styles = StyleSheet.create({
  screen: { flex: 1, justifyContent: 'center' },
  form: { alignSelf: 'center', width: '100%', maxWidth: 420, padding: 24, gap: 16 },
  field: { gap: 4 },
  input: { fontSize: 16, minHeight: 48, paddingHorizontal: 12, borderWidth: 1, borderRadius: 12 },
});
