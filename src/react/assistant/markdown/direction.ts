/** Which way a part of an answer is written, whatever the way of the assistant around it. */
import type { StyleProp, ViewProps, ViewStyle } from 'react-native';
import { useAssistantTheme } from '../theme-context.tsx';
import { writtenIn } from '../web-props.ts';

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
/** The first letters tell. */
const ENOUGH = 400;

/** By its first letter; undefined where it has none. */
export function directionOf(text: string): 'ltr' | 'rtl' | undefined {
  const letter = /\p{L}/u.exec(text.slice(0, ENOUGH))?.[0];
  if (letter === undefined) return undefined;
  return RIGHT_TO_LEFT.test(letter) ? 'rtl' : 'ltr';
}

/** The style of what holds `text`, with its direction where that is another than the assistant's. */
export function useOwnDirection(text: string, style: StyleProp<ViewStyle>): ViewProps {
  const { direction } = useAssistantTheme();
  const own = directionOf(text) ?? direction;
  return own === direction ? { style } : writtenIn(own, style);
}
