import { StyleSheet, useColorScheme } from 'react-native';

/** Those of the assistant, so that what stands around it belongs to it. Text on its background has 4.5:1 and more. */
const LIGHT = {
  background: '#faf9f6',
  surface: '#ffffff',
  border: '#e0ddd3',
  outline: '#8b8f89',
  text: '#1b2422',
  muted: '#57615d',
  accent: '#0b6b5d',
  onAccent: '#ffffff',
  danger: '#9f2a1d',
};

const DARK: Colors = {
  background: '#151a19',
  surface: '#1d2423',
  border: '#2d3735',
  outline: '#74807c',
  text: '#e8edeb',
  muted: '#a5b0ac',
  accent: '#5fcfba',
  onAccent: '#06231e',
  danger: '#ffa195',
};

export type Colors = typeof LIGHT;

/** As the device has it. */
export function useColors(): Colors {
  return useColorScheme() === 'dark' ? DARK : LIGHT;
}

/** What fingers hit, px. */
export const TOUCH = 44;

export const type = StyleSheet.create({
  title: { fontSize: 24, lineHeight: 32, fontWeight: '600' },
  body: { fontSize: 16, lineHeight: 24 },
  label: { fontSize: 14, lineHeight: 20 },
  button: { fontSize: 16, lineHeight: 24, fontWeight: '600' },
});
