/** The edge function: `supabase functions deploy push --no-verify-jwt`. The relay's signature takes the place of a token. */
import { createClient } from '@supabase/supabase-js';
import { handle, type PushStore } from './handler.ts';

declare const Deno: {
  readonly env: { get(name: string): string | undefined };
  serve(handler: (request: Request) => Promise<Response>): void;
};

const needed = (name: string): string => {
  const value = Deno.env.get(name);
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};

const database = createClient(needed('SUPABASE_URL'), needed('SUPABASE_SERVICE_ROLE_KEY'));
const TAKEN = '23505'; // unique_violation

const store: PushStore = {
  async claim(id) {
    const { error } = await database.from('pushed_webhooks').insert({ id });
    if (error !== null && error.code !== TAKEN) throw error;
    return error === null;
  },
  async unclaim(id) {
    const { error } = await database.from('pushed_webhooks').delete().eq('id', id);
    if (error !== null) throw error;
  },
  async tokensOf(userId) {
    const { data, error } = await database.from('push_tokens').select('token').eq('user_id', userId);
    if (error !== null) throw error;
    return data.map(({ token }) => String(token));
  },
  async forget(token) {
    const { error } = await database.from('push_tokens').delete().eq('token', token);
    if (error !== null) throw error;
  },
};

const secret = needed('WEBHOOK_SECRET');
Deno.serve((request) => handle(request, { secret, store, send: fetch }));
