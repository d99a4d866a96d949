/** 26 characters of 5 random bits. React Native has no `crypto`; an id opens nothing there without its user's token. */
export function mintStreamId(): string {
  const bytes = new Uint8Array(26).map(() => Math.random() * 256);
  const { crypto } = globalThis as { crypto?: Pick<Crypto, 'getRandomValues'> };
  crypto?.getRandomValues(bytes);
  return Array.from(bytes, (byte) => (byte & 31).toString(32)).join('');
}
