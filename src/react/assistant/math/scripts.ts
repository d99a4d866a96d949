/** Raised and lowered signs of Unicode, and the marks of Markdown for them: `H~2~O`, `10^6^`. */

const RAISED = pairs(
  '0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδεθφχ′',
  '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᵋᶿᵠᵡ′',
);
const LOWERED = pairs('0123456789+-−=()aehijklmnoprstuvxβγρφχ', '₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ');

function pairs(plain: string, small: string): ReadonlyMap<string, string> {
  const signs = [...small];
  return new Map([...plain].map((sign, at) => [sign, signs[at] ?? '']));
}

/** Undefined where a sign has none that is raised. */
export const raised = (text: string): string | undefined => moved(text, RAISED);
export const lowered = (text: string): string | undefined => moved(text, LOWERED);

function moved(text: string, signs: ReadonlyMap<string, string>): string | undefined {
  let all = '';
  for (const sign of text.replaceAll(' ', '')) {
    const small = signs.get(sign);
    if (small === undefined) return undefined;
    all += small;
  }
  return all;
}

export interface Script {
  readonly raw: string;
  readonly text: string;
  readonly isRaised: boolean;
}

const SCRIPT = /^([~^])([^\s~^*_`$\\[\]]{1,20})\1(?!\1)/;
const HALF_SCRIPT = /^[~^][^\s~^*_`$\\[\]]{0,20}$/;

/** `source` begins with the mark, which stands after `before`. `open`: more has to come to tell. */
export function scriptIn(source: string, before: string): Script | 'open' | undefined {
  if (!/[\p{L}\p{N})\]}]/u.test(before)) return undefined;
  const begun = source.slice(0, 24);
  const [raw, mark, text = ''] = SCRIPT.exec(begun) ?? [];
  if (raw !== undefined) return { raw, text, isRaised: mark === '^' };
  return begun.length === source.length && HALF_SCRIPT.test(begun) ? 'open' : undefined;
}
