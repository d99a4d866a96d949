/** Words for a count and for a share, as a language has them. */

/** The plurals of each language, as `Intl.PluralRules` names them. */
export const PLURALS = {
  en: ['one', 'other'],
  de: ['one', 'other'],
  fr: ['one', 'many', 'other'],
  ar: ['zero', 'one', 'two', 'few', 'many', 'other'],
} as const;

type Locale = keyof typeof PLURALS;

/**
 * `#` stands for the number as the language writes it. All plurals of the language have to be there. Where a device lacks
 * Intl.PluralRules, as some releases of Hermes do, it is `one` or `other`.
 */
export function counted<L extends Locale>(
  locale: L,
  forms: Readonly<Record<(typeof PLURALS)[L][number] | 'one' | 'other', string>>,
): (count: number) => string {
  const words: Readonly<Record<string, string>> = forms;
  return (count) => {
    const plural =
      Intl.PluralRules === undefined
        ? count === 1
          ? 'one'
          : 'other'
        : new Intl.PluralRules(locale).select(count);
    return (words[plural] ?? forms.other).replace('#', new Intl.NumberFormat(locale).format(count));
  };
}

/** Whole percent, as the language writes them. */
export function percent(locale: string): (value: number) => string {
  return (value) => new Intl.NumberFormat(locale, { style: 'percent' }).format(value / 100);
}
