import type { ReactNode } from 'react';
import { ScrollView, StyleSheet, Text, View } from 'react-native';
import { CopyButton } from '../button.tsx';
import { RADIUS, SPACE, TYPE } from '../theme.ts';
import { useAssistantTheme } from '../theme-context.tsx';
import { MONO } from './inline.tsx';

interface CodeBlockProps {
  readonly text: string;
  readonly language: string | undefined;
  readonly caret: ReactNode;
}

/** Scrolls sideways instead of breaking lines; always from left to right. */
export function CodeBlock({ text, language, caret }: CodeBlockProps) {
  const { colors, strings } = useAssistantTheme();
  const name = language?.split(/\s/)[0] || strings.code;
  return (
    <View style={[styles.frame, { backgroundColor: colors.code, borderColor: colors.border }]}>
      <View style={styles.head}>
        <Text style={[TYPE.small, { color: colors.muted }]}>{name}</Text>
        {caret === undefined && <CopyButton text={text} label={strings.copyCode} />}
      </View>
      <ScrollView horizontal role="region" aria-label={name} tabIndex={0} contentContainerStyle={styles.body}>
        <Text selectable style={[TYPE.code, styles.code, { color: colors.text }]}>
          {text}
          {caret}
        </Text>
      </ScrollView>
    </View>
  );
}

const styles = StyleSheet.create({
  frame: { borderWidth: 1, borderRadius: RADIUS.m, overflow: 'hidden' },
  head: {
    minHeight: 40,
    flexDirection: 'row',
    alignItems: 'center',
    justifyContent: 'space-between',
    paddingStart: SPACE.l,
    paddingEnd: SPACE.xs,
  },
  body: { paddingHorizontal: SPACE.l, paddingBottom: SPACE.m },
  code: { fontFamily: MONO, writingDirection: 'ltr' },
});
