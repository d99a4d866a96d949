/** PROTOCOL.md as the contract quotes it: what it says of fields, codes, close codes and routes, as plain text. */

export interface ProtocolDocument {
  /** The meaning of each field in the table below a heading such as "### `hello`" or "## Usage". @throws Error where there is none */
  fieldsBelow(heading: string): ReadonlyMap<string, string>;
  /** What stands between a heading and its table, or the next heading. */
  introductionOf(heading: string): string;
  /** The rows of the table below a heading, without its head. */
  rowsBelow(heading: string): readonly (readonly string[])[];
  /** What it says of a route such as "GET /v1/usage" where that is the first thing that a paragraph is about. */
  route(name: string): string | undefined;
}

export function protocolDocument(markdown: string): ProtocolDocument {
  const below = (heading: string): string => {
    const [, section] = markdown.split(`\n${heading}\n`);
    if (section === undefined) throw new Error(`PROTOCOL.md has no section "${heading}"`);
    return section.split(/\n#+ /)[0] ?? '';
  };
  const rowsBelow = (heading: string): string[][] => tableIn(below(heading));
  return {
    rowsBelow,
    fieldsBelow: (heading) =>
      new Map(
        rowsBelow(heading).map(([field = '', , meaning = '']) => [
          field.replaceAll(/[`?]/g, ''),
          plain(meaning),
        ]),
      ),
    introductionOf: (heading) => plain(below(heading).split(/\n(?=\|)/)[0] ?? ''),
    route(name) {
      const from = markdown.indexOf(`\n**\`${name}\`**`);
      if (from < 0) return undefined;
      const [paragraph = ''] = markdown.slice(from + 1).split(/\n(?=\*\*`|#|\|)/);
      return plain(paragraph);
    },
  };
}

function tableIn(section: string): string[][] {
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** Paragraphs without the line breaks in them, and links as their words. */
export function plain(markdown: string): string {
  return markdown
    .replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1')
    .replaceAll('**', '')
    .replaceAll(/(?<!\n)\n(?![\n-])/g, ' ')
    .trim();
}
