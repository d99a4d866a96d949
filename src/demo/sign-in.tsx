/** What comes before the page where the relay takes the tokens of a project's users. */
import { type ReactElement, type SyntheticEvent, useState } from 'react';
import { usePaletteProperties } from './palette-properties.ts';
import type { Account } from './supabase-account.ts';

export function SignIn({ account }: { readonly account: Account }): ReactElement {
  const [problem, setProblem] = useState('');
  const [isBusy, setBusy] = useState(false);
  const signIn = async (event: SyntheticEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem('');
    const found = await account.signIn(String(form.get('email')), String(form.get('password')));
    setBusy(false);
    setProblem(found ?? '');
  };
  return (
    <main className="page sign-in" style={usePaletteProperties()}>
      <form onSubmit={(event) => void signIn(event)}>
        <h1>Dash Relay</h1>
        <p className="hint">This relay takes the tokens of your own users: sign in as one of them.</p>
        <label>
          E-mail
          <input name="email" type="email" autoComplete="username" required />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <p className="problem" role="alert">
          {problem}
        </p>
        <button type="submit" className="button button-accent" disabled={isBusy}>
          {isBusy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}
