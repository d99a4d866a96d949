/** A short name that a server sets, such as a tier: 1–128 characters, none of control, no half of a surrogate pair. */
const LABEL = /^[^\p{Cc}\p{Cs}]{1,128}$/u;
/** UTF-16 units of the longest label. */
const MAX_UNITS = 256;

/** Why a value is no label. A closed set. */
export type LabelFault = 'array' | 'object' | 'number' | 'boolean' | 'empty' | 'too_long' | 'characters';

export function isLabel(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_UNITS && LABEL.test(value);
}

/** Of a value that is no label. */
export function labelFault(value: unknown): LabelFault {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number' || typeof value === 'boolean') return typeof value as 'number' | 'boolean';
  if (typeof value !== 'string') return 'object';
  if (value === '') return 'empty';
  return [...value.slice(0, MAX_UNITS + 1)].length > 128 ? 'too_long' : 'characters';
}
