/** The two Markdown shapes every answer is built from. */

export function paragraphs(...parts: readonly string[]): string {
  return parts.join('\n\n');
}

export function bullets(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n');
}
