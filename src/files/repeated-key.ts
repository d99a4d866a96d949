/** A string that may be a key, or where an object or a list begins or ends. */
const TOKEN = /"((?:[^"\\]|\\.)*)"(\s*:)?|[[\]{}]/g;

/**
 * The path of the first key that stands twice in one object, where JSON.parse would let the last one win unseen.
 * @param text valid JSON
 */
export function repeatedKey(text: string): string | undefined {
  /** The keys of the objects and lists around, each with the one that is being read. */
  const around: { readonly keys: Set<string>; at: string }[] = [];
  for (const [token, written = '', colon] of text.matchAll(TOKEN)) {
    const object = around.at(-1);
    if (token === '{' || token === '[') around.push({ keys: new Set(), at: '' });
    else if (token === '}' || token === ']') around.pop();
    else if (colon !== undefined && object !== undefined) {
      // The same key may be spelled in several ways.
      const key = written.includes('\\') ? String(JSON.parse(`"${written}"`)) : written;
      object.at = written;
      if (object.keys.has(key)) return around.flatMap(({ at }) => (at === '' ? [] : [at])).join('.');
      object.keys.add(key);
    }
  }
  return undefined;
}
