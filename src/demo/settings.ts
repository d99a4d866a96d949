/** What the relay tells the page, in its document: it is there before anything is asked for. */

export interface DemoSettings {
  /** Answers come from the simulated model: whatever is asked costs nothing. */
  readonly simulated: boolean;
  /** Whose users sign in; absent: the page takes development tokens. */
  readonly supabase?: SupabaseProject;
}

export interface SupabaseProject {
  readonly url: string;
  readonly publishableKey: string;
}

/** @throws Error where the document comes from elsewhere */
export function readSettings(document: Document): DemoSettings {
  const text = document.querySelector<HTMLMetaElement>('meta[name="dash-demo"]')?.content ?? '';
  if (text === '') throw new Error('unable to tell whose tokens are taken; open the page at the relay');
  return JSON.parse(text) as DemoSettings;
}
