import type { ReactNode } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { CopyButton } from '../button.tsx';
import { Caret } from '../progress.tsx';
import { RADIUS, SPACE, TYPE } from '../theme.ts';
import { useAssistantTheme } from '../theme-context.tsx';
import { stacked } from '../web-props.ts';
import { MONO } from './inline.tsx';
import { linesMeasure, linesOfCode } from './measures.ts';
import { useRendering } from './rendering.ts';
import { Shares } from './shares.tsx';
import { Sideways } from './sideways.tsx';

interface CodeBlockProps {
  readonly text: string;
  readonly language: string | undefined;
  readonly hasCaret: boolean;
}

/** Scrolls sideways instead of breaking lines; always from left to right. */
export function CodeBlock({ text, language, hasCaret }: CodeBlockProps) {
  const { colors, strings } = useAssistantTheme();
  const { web } = useRendering();
  const own = language?.split(/\s/)[0];
  const name = own || strings.code;
  const parts = linesOfCode(text);
  const lines = <Shares parts={parts} measure={linesMeasure} draw={drawLines} hasCaret={hasCaret} />;
  return (
    <View style={[styles.frame, { backgroundColor: colors.code, borderColor: colors.border }]}>
      <View style={styles.head}>
        <Text style={[TYPE.small, { color: colors.muted }]}>{name}</Text>
        {!hasCaret && <CopyButton text={text} label={strings.copyCode} />}
      </View>
      <Sideways label={name} background={colors.code} direction="ltr" contentStyle={styles.body}>
        {web && own ? (
          <web.ColouredCode language={own} text={text} parts={parts}>
            {lines}
          </web.ColouredCode>
        ) : (
          <View style={stacked}>{lines}</View>
        )}
      </Sideways>
    </View>
  );
}

const drawLines = ([lines = '']: readonly string[], _first: number, hasCaret: boolean): ReactNode => (
  <Lines text={lines} hasCaret={hasCaret} />
);

function Lines({ text, hasCaret }: { text: string; hasCaret: boolean }) {
  const { colors } = useAssistantTheme();
  return (
    <Text selectable style={[TYPE.code, styles.code, { color: colors.text }]}>
      {text}
      {hasCaret && <Caret />}
    </Text>
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
