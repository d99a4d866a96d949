/** Put in your relay, and the session of whoever is signed in. */
export const RELAY_URL = 'https://relay.example.com';

export function getToken(): string | null {
  return null;
}
