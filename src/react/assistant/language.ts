/** Which of the languages that an app brings is spoken. */
import { deviceLocales } from './local-time.ts';
import { type AssistantStrings, ENGLISH } from './strings.ts';

/** `locale`: BCP 47, the device's without one. English where none of them is there. */
export function languageOf(
  languages: readonly AssistantStrings[],
  locale: string | undefined,
): AssistantStrings {
  const known = [...languages, ENGLISH];
  for (const wanted of locale === undefined ? deviceLocales() : [locale]) {
    const found = known.find((each) => each.locale === wanted || primary(each.locale) === primary(wanted));
    if (found) return found;
  }
  return ENGLISH;
}

function primary(tag: string): string {
  return tag.split('-', 1)[0]?.toLowerCase() ?? '';
}
