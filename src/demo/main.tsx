import { type ReactElement, StrictMode, useState, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { DashProvider } from '../react/index.ts';
import { createDemo } from './create-demo.ts';
import { Page } from './page.tsx';
import { readSettings } from './settings.ts';
import { SignIn } from './sign-in.tsx';
import type { Account, User } from './supabase-account.ts';
import './page.css';
import './controls.css';
import './panel.css';

interface WholeProps {
  readonly account?: Account | undefined;
  readonly user?: User | undefined;
  readonly asksItself: boolean;
}

/** All of it is one user's: another has another. */
function Whole({ account, user, asksItself }: WholeProps): ReactElement {
  const [demo] = useState(() => createDemo(location.origin, account));
  return (
    <DashProvider client={demo.client} storage={() => sessionStorage}>
      <Page demo={demo} email={user?.email} asksItself={asksItself} />
    </DashProvider>
  );
}

/** What users ask counts in their plans: nothing asks by itself. */
function SignedIn({ account }: { readonly account: Account }): ReactElement {
  const user = useSyncExternalStore(account.subscribe, account.read);
  if (user === undefined) return <SignIn account={account} />;
  return <Whole key={user.id} account={account} user={user} asksItself={false} />;
}

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no place for the demo');
const { supabase, simulated } = readSettings(document);
/** Loaded only where users sign in. */
const account = supabase && (await import('./supabase-account.ts')).createSupabaseAccount(supabase);
createRoot(root).render(
  <StrictMode>{account ? <SignedIn account={account} /> : <Whole asksItself={simulated} />}</StrictMode>,
);
