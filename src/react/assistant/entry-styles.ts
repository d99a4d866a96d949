/** An entry of the list, whether of this device or of another: what is pressed, its words, and the mark after them. */
import { StyleSheet } from 'react-native';
import { RADIUS, SPACE, TOUCH } from './theme.ts';

export const ENTRY = StyleSheet.create({
  pressed: {
    minHeight: TOUCH,
    flexDirection: 'row',
    alignItems: 'center',
    gap: SPACE.s,
    paddingHorizontal: SPACE.m,
    paddingVertical: SPACE.xs,
    borderRadius: RADIUS.m,
  },
  words: { flex: 1, minWidth: 0 },
  dot: { width: 10, height: 10, borderRadius: 5, borderWidth: 2 },
});
