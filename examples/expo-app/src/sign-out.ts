import { forgetConversations } from './conversation-storage';
import { client } from './dash-client';
import { forgetPhotos } from './photo-files';
import { supabase } from './supabase';

/** Nothing of whoever was signed in stays on this device. None of it waits for a network. */
export async function signOut(): Promise<void> {
  // The client first, so that nothing of this user is shown to, or asked as, the next: what is under way stops, and
  // conversations and drafts are emptied.
  client.signOut();
  // The session is gone from the device before the auth server is told, if it can be reached.
  const told = supabase?.auth.signOut({ scope: 'local' });
  await Promise.all([forgetConversations(), forgetPhotos()]);
  await told;
}
