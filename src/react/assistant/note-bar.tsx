/** A sentence with a button, over or under the conversation. It is no live region: what it stands in is one. */
import type { ReactNode } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { MEASURE, RADIUS, SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';

interface NoteBarProps {
  readonly words: string;
  /** Lines that are shown of them; all without. */
  readonly lines?: number;
  /** The button. */
  readonly children: ReactNode;
}

export function NoteBar({ words, lines, children }: NoteBarProps) {
  const { colors } = useAssistantTheme();
  return (
    <View style={[styles.bar, { backgroundColor: colors.raised, borderColor: colors.outline }]}>
      <Text
        {...(lines === undefined ? {} : { numberOfLines: lines })}
        style={[TYPE.label, styles.words, { color: colors.text }]}
      >
        {words}
      </Text>
      {children}
    </View>
  );
}

const styles = StyleSheet.create({
  bar: {
    flexDirection: 'row',
    flexWrap: 'wrap', // in a drawer the button stands below
    alignItems: 'center',
    justifyContent: 'flex-end',
    columnGap: SPACE.m,
    rowGap: SPACE.xs,
    alignSelf: 'center',
    width: '100%',
    maxWidth: MEASURE + 2 * SPACE.l,
    marginTop: SPACE.s,
    paddingVertical: SPACE.s,
    paddingStart: SPACE.l,
    paddingEnd: SPACE.s,
    borderWidth: 1,
    borderRadius: RADIUS.m,
  },
  words: { flexGrow: 1, flexShrink: 1, flexBasis: 180 },
});
