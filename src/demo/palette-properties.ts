import { useMemo } from 'react';
import { useColorScheme } from 'react-native';
import { DARK, LIGHT } from '../react/assistant/theme.ts';

/** The assistant's colours as custom properties such as `--accent-soft`: the style sheets use them, so that all is of one piece. */
export function usePaletteProperties(): Readonly<Record<string, string>> {
  const palette = useColorScheme() === 'dark' ? DARK : LIGHT;
  return useMemo(
    () => Object.fromEntries(Object.entries(palette).map(([name, value]) => [`--${dashed(name)}`, value])),
    [palette],
  );
}

function dashed(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
