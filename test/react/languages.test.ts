import { describe, expect, it, vi } from 'vitest';
import { PLURALS } from '../../src/react/assistant/counted.ts';
import { languageOf } from '../../src/react/assistant/language.ts';
import { type AssistantStrings, ENGLISH } from '../../src/react/assistant/strings.ts';
import { ARABIC } from '../../src/react/languages/ar.ts';
import { GERMAN } from '../../src/react/languages/de.ts';
import { FRENCH } from '../../src/react/languages/fr.ts';

const LANGUAGES = [ENGLISH, GERMAN, FRENCH, ARABIC];

/** The same in every language: names, and what a language shares with English. */
const SHARED: readonly string[] = ['direction', 'assistant'];

/** Arguments for all that takes some, whatever they mean there. */
const OF = { scope: 'organization', period: 'day' };

/** By their paths, all that is said: what takes arguments with a count of five. */
function saidIn(value: unknown, path = ''): [path: string, said: string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') return [[path, String(value.length > 1 ? value(5, OF) : value(5))]];
  return Object.entries(value as object).flatMap(([key, inner]) =>
    saidIn(inner, path === '' ? key : `${path}.${key}`),
  );
}

describe.each(LANGUAGES)('the language $locale', (language: AssistantStrings) => {
  const said = saidIn(language);

  it('has a word for everything, and no other', () => {
    const pathsOf = (each: AssistantStrings) => saidIn(each).map(([path]) => path);
    expect(said.map(([path]) => path)).toEqual(pathsOf(ENGLISH));
    for (const [path, words] of said) expect(words.trim(), path).not.toBe('');
  });

  it('has nothing left in English', () => {
    const english = new Map(saidIn(ENGLISH));
    const same = said.filter(([path, words]) => words === english.get(path) && !SHARED.includes(path));
    expect(language === ENGLISH ? [] : same).toEqual([]);
  });

  it('is written in its own letters', () => {
    const letters = language === ARABIC ? /\p{Script=Arabic}/u : /\p{Script=Latin}/u;
    const foreign = language === ARABIC ? /[a-z]{3,}/ : /\p{Script=Arabic}/u;
    const words = said.filter(([path]) => !/^(locale|direction|allowOrigin)$/.test(path));
    for (const [path, text] of words) {
      expect(text, path).toMatch(letters);
      expect(text, path).not.toMatch(foreign);
    }
  });

  it('has all of its plurals, as Intl has them', () => {
    const { locale } = language;
    const { pluralCategories } = new Intl.PluralRules(locale).resolvedOptions();
    expect([...PLURALS[locale as keyof typeof PLURALS]].sort()).toEqual([...pluralCategories].sort());
  });

  it('writes numbers and shares as people do there', () => {
    const { locale } = language;
    const number = new Intl.NumberFormat(locale).format(1234);
    expect(language.unreadCount(1234)).toContain(number);
    const share = new Intl.NumberFormat(locale, { style: 'percent' }).format(0.85);
    for (const scope of ['user', 'organization'] as const)
      for (const period of ['day', 'month'] as const) {
        expect(language.limitUsed(85, { scope, period })).toContain(share);
        expect(language.limitLeft(1234, { scope, period })).toContain(number);
      }
  });

  it('tells apart whose limit it is, and for how long', () => {
    const all = (['user', 'organization'] as const).flatMap((scope) =>
      (['day', 'month'] as const).map((period) => language.limitLeft(12, { scope, period })),
    );
    expect(new Set(all).size).toBe(4);
  });
});

it('counts in Arabic as its grammar does', () => {
  const forms = [0, 1, 2, 5, 15, 100].map((count) => ARABIC.unreadCount(count));
  expect(forms).toEqual([
    'لا إجابات جديدة',
    'إجابة جديدة واحدة',
    'إجابتان جديدتان',
    `${new Intl.NumberFormat('ar').format(5)} إجابات جديدة`,
    `${new Intl.NumberFormat('ar').format(15)} إجابة جديدة`,
    `${new Intl.NumberFormat('ar').format(100)} إجابة جديدة`,
  ]);
});

it('counts without Intl.PluralRules too, as some engines of apps must', () => {
  vi.stubGlobal('Intl', { NumberFormat: Intl.NumberFormat, PluralRules: undefined });
  expect([GERMAN.unreadCount(1), GERMAN.unreadCount(2)]).toEqual(['1 neue Antwort', '2 neue Antworten']);
  vi.unstubAllGlobals();
});

describe('which language is spoken', () => {
  const imported = [GERMAN, ARABIC];
  it.each([
    ['de-AT', GERMAN],
    ['ar', ARABIC],
    ['AR-eg', ARABIC],
    ['en-ZA', ENGLISH],
    ['fr', ENGLISH], // not imported
    ['zu', ENGLISH],
  ])('%s as the app says', (locale, language) => {
    expect(languageOf(imported, locale)).toBe(language);
  });

  it.each([
    [['fr-FR', 'ar-EG', 'de'], ARABIC],
    [['en-GB', 'de'], ENGLISH],
    [['zu'], ENGLISH],
  ])('of what the device wants, %j', (languages, language) => {
    vi.stubGlobal('navigator', { languages });
    expect(languageOf(imported, undefined)).toBe(language);
    vi.unstubAllGlobals();
  });
});
