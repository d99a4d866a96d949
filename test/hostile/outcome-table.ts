/**
 * What each numbered input of the list of bad inputs met, for whoever reads the run: DASH_PRINT_TABLE=1 prints it as
 * Markdown. Whether that was right is asserted as it is recorded.
 */
import { expect } from 'vitest';

const PRINTS = process.env['DASH_PRINT_TABLE'] === '1';

export class OutcomeTable {
  readonly #rows: { readonly number: number; readonly line: string }[] = [];

  /** Both in the words of the table: `401 unauthorized`. Fails the test where they differ. */
  judge(number: number, input: string, expected: string, got: string): void {
    const cells = [number, input, expected, got].map((cell) => String(cell).replaceAll('|', '\\|'));
    this.#rows.push({ number, line: `| ${cells.join(' | ')} |` });
    expect(got).toBe(expected);
  }

  print(): void {
    if (!PRINTS) return;
    const lines = this.#rows.toSorted((a, b) => a.number - b.number).map(({ line }) => line);
    process.stdout.write(`${['| # | input | expected | got |', '|---|---|---|---|', ...lines].join('\n')}\n`);
  }
}
