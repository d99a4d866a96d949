/** Whether text of a palette can be read on what it stands on: WCAG 2.2, 4.5 to 1, and 3 to 1 around controls. */
import type { Palette } from './theme.ts';

/** Bundlers of pages and apps put its value here, for React as well. */
declare const process: { readonly env: { readonly NODE_ENV?: string } };

type Colour = Exclude<keyof Palette, 'scheme'>;

/** What stands on what. */
const PAIRS: readonly (readonly [text: Colour, background: Colour, least: number])[] = [
  ['text', 'background', 4.5],
  ['text', 'surface', 4.5],
  ['text', 'sidebar', 4.5],
  ['text', 'raised', 4.5],
  ['text', 'accentSoft', 4.5],
  ['text', 'code', 4.5],
  ['muted', 'background', 4.5],
  ['muted', 'surface', 4.5],
  ['muted', 'sidebar', 4.5],
  ['muted', 'raised', 4.5],
  ['muted', 'code', 4.5],
  ['codeKeyword', 'code', 4.5],
  ['codeString', 'code', 4.5],
  ['codeNumber', 'code', 4.5],
  ['codeName', 'code', 4.5],
  ['codeComment', 'code', 4.5],
  ['accent', 'sidebar', 4.5],
  ['onAccent', 'accent', 4.5],
  ['onAccent', 'accentPressed', 4.5],
  ['link', 'background', 4.5],
  ['danger', 'dangerSoft', 4.5],
  ['warning', 'warningSoft', 4.5],
  ['outline', 'background', 3],
  ['outline', 'surface', 3],
];

/** Tells whoever develops an app, where that is known, of colours that not everybody can read. */
export function warnOfLowContrast(palette: Palette): void {
  if (process.env.NODE_ENV === 'production') return;
  // biome-ignore lint/suspicious/noConsole: there is no other place where a developer of a page looks
  for (const words of lowContrasts(palette)) console.warn(`DashAssistant: ${words}`);
}

/** A sentence for each pair that is too close. Colours that are not written in hex digits are not looked at. */
export function lowContrasts(palette: Palette): string[] {
  return PAIRS.flatMap(([text, background, least]) => {
    const ratio = contrast(palette[text], palette[background]);
    return ratio === undefined || ratio >= least
      ? []
      : [`colors.${text} on colors.${background} is ${ratio.toFixed(2)} to 1; ${least} is the least`];
  });
}

/** From 1 to 21; undefined where one is not `#rgb` or `#rrggbb`. */
export function contrast(one: string, other: string): number | undefined {
  const [a, b] = [luminance(one), luminance(other)];
  if (a === undefined || b === undefined) return undefined;
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function luminance(colour: string): number | undefined {
  const short = /^#([\da-f])([\da-f])([\da-f])$/i.exec(colour);
  const parts = short
    ? short.slice(1).map((digit) => digit + digit)
    : /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i.exec(colour)?.slice(1);
  if (parts === undefined) return undefined;
  const [red = 0, green = 0, blue = 0] = parts.map((part) => linear(Number.parseInt(part, 16) / 255));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function linear(share: number): number {
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}
