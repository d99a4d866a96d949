import AsyncStorage from '@react-native-async-storage/async-storage';
import { createClient } from '@supabase/supabase-js';
import { flags } from './flags';

const { supabaseUrl, supabaseKey } = flags;

/** Null without a project: the relay's development issuer stands in. */
export const supabase =
  supabaseUrl && supabaseKey
    ? createClient(supabaseUrl, supabaseKey, {
        // Passwords alone: no session comes by the address of a page, and a phone has none.
        auth: {
          storage: AsyncStorage,
          autoRefreshToken: true,
          persistSession: true,
          detectSessionInUrl: false,
        },
      })
    : null;
