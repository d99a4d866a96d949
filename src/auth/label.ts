const LABEL = /^[^\p{Cc}\p{Cs}]{1,128}$/u;

/** A short name that a server sets, such as a tier: 1–128 characters, none of control, no half of a surrogate pair. */
export function isLabel(value: unknown): value is string {
  return typeof value === 'string' && LABEL.test(value);
}
