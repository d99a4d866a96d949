/** What the model's API refuses of a conversation, and would answer with a 400 for every later question too. */

const BLANK = /^\p{White_Space}*$/u;
/** `claude-opus-4-5-20251101`, `claude-3-5-sonnet-20240620`, `anthropic/claude-sonnet-5`: a date is no version. */
const VERSION = /claude-(?:[a-z]+-)?(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?/;
/** The first version that goes on from no words of an assistant. */
const FIRST_WITHOUT_PREFILL = [4, 6] as const;

/** Whether a text holds nothing but white space. */
export function isBlank(text: string): boolean {
  return BLANK.test(text);
}

/** Whether a model is known to refuse a conversation that ends with the assistant's words. */
export function refusesPrefill(model: string): boolean {
  const [found, major, minor = '0'] = VERSION.exec(model) ?? [];
  if (found === undefined) return false;
  const [firstMajor, firstMinor] = FIRST_WITHOUT_PREFILL;
  return Number(major) > firstMajor || (Number(major) === firstMajor && Number(minor) >= firstMinor);
}
