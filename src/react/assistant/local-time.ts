/** Which language the device speaks, and times as people there write them. */

/** BCP 47, the most wanted first. */
export function deviceLocales(): readonly string[] {
  const { navigator } = globalThis as { navigator?: { readonly languages?: readonly string[] } };
  return navigator?.languages ?? [new Intl.DateTimeFormat().resolvedOptions().locale];
}

/** `at`: Unix ms. In the language given, by the customs of the device's region where that is one of the language. */
export function dayAndTime(at: number, locale: string): string {
  return new Date(at).toLocaleString(regional(locale), {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    hour: 'numeric',
    minute: '2-digit',
  });
}

/** `en` on a device in South Africa: `en-ZA`. */
export function regional(locale: string): string {
  return deviceLocales().find((tag) => tag === locale || tag.startsWith(`${locale}-`)) ?? locale;
}
