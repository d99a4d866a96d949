/** The assistant's colours, so that the page around it is of one piece: `page.css` uses them by these names. */
import { DARK, LIGHT, type Palette } from '../react/assistant/theme.ts';

/** Custom properties such as `--accent-soft`. */
export function paletteProperties(isDark: boolean): Readonly<Record<string, string>> {
  const palette: Palette = isDark ? DARK : LIGHT;
  return Object.fromEntries(Object.entries(palette).map(([name, value]) => [`--${dashed(name)}`, value]));
}

function dashed(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
