/** One block of an answer. Drawn again only when its token is another one. */
import type { MarkedToken, Token, Tokens } from 'marked';
import { memo, type ReactNode, useCallback } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { Caret } from '../progress.tsx';
import { SPACE, TYPE } from '../theme.ts';
import { useAssistantTheme } from '../theme-context.tsx';
import { headingLevel, stacked } from '../web-props.ts';
import { CodeBlock } from './code-block.tsx';
import { Inline, withoutLastBreak } from './inline.tsx';
import { itemMeasure, LONGEST_PROSE, markMeasure } from './measures.ts';
import { Shares } from './shares.tsx';
import { Table } from './table.tsx';

interface BlockProps {
  readonly token: MarkedToken;
  readonly hasCaret: boolean;
  /** Of a heading. */
  readonly level?: number | undefined;
  readonly isFirst?: boolean;
}

export const Block = memo(function Block({
  token,
  hasCaret,
  level = 2,
  isFirst = false,
}: BlockProps): ReactNode {
  switch (token.type) {
    case 'heading':
      return <Heading heading={token} level={level} isFirst={isFirst} hasCaret={hasCaret} />;
    case 'paragraph':
      return <Prose tokens={token.tokens} hasCaret={hasCaret} />;
    case 'text':
      return <Prose tokens={token.tokens ?? [token]} hasCaret={hasCaret} />;
    case 'list':
      return <List list={token} hasCaret={hasCaret} />;
    case 'blockquote':
      return <Quote tokens={token.tokens} hasCaret={hasCaret} />;
    case 'code':
      return <CodeBlock text={token.text} language={token.lang} hasCaret={hasCaret} />;
    case 'table':
      return <Table table={token} hasCaret={hasCaret} />;
    case 'hr':
      return <Rule />;
    case 'checkbox':
      return null; // its list item shows it
    default:
      return (
        <Words tokens={[{ type: 'text', raw: token.raw, text: token.raw.trim() }]} hasCaret={hasCaret} />
      );
  }
});

interface ProseProps {
  readonly tokens: readonly Token[];
  readonly hasCaret: boolean;
}

function Prose({ tokens, hasCaret }: ProseProps) {
  const length = tokens.reduce((sum, { raw }) => sum + raw.length, 0);
  if (length <= LONGEST_PROSE) return <Words tokens={tokens} hasCaret={hasCaret} />;
  return (
    <View style={stacked}>
      <Shares parts={tokens} measure={markMeasure} draw={drawWords} hasCaret={hasCaret} />
    </View>
  );
}

const drawWords = (tokens: readonly Token[], _first: number, hasCaret: boolean): ReactNode => (
  <Words tokens={withoutLastBreak(tokens)} hasCaret={hasCaret} />
);

function Words({ tokens, hasCaret }: ProseProps) {
  const { colors } = useAssistantTheme();
  return (
    <Text selectable style={[TYPE.body, { color: colors.text }]}>
      <Inline tokens={tokens} tail={hasCaret && <Caret />} />
    </Text>
  );
}

interface HeadingProps {
  readonly heading: Tokens.Heading;
  readonly level: number;
  readonly isFirst: boolean;
  readonly hasCaret: boolean;
}

function Heading({ heading: { depth, tokens }, level, isFirst, hasCaret }: HeadingProps) {
  const { colors } = useAssistantTheme();
  const type = depth === 1 ? TYPE.heading1 : depth === 2 ? TYPE.heading2 : TYPE.heading3;
  return (
    <Text
      selectable
      role="heading"
      {...headingLevel(level)}
      style={[type, !isFirst && styles.heading, { color: colors.text }]}
    >
      <Inline tokens={tokens} tail={hasCaret && <Caret />} />
    </Text>
  );
}

function List({ list, hasCaret }: { list: Tokens.List; hasCaret: boolean }) {
  const { items, ordered, loose } = list;
  const start = ordered ? Number(list.start) : undefined;
  const draw = useCallback(
    (parts: readonly Tokens.ListItem[], first: number, isGrowing: boolean) =>
      parts.map((item, at) => (
        <Item
          // biome-ignore lint/suspicious/noArrayIndexKey: items only follow one another
          key={at}
          item={item}
          number={start === undefined ? undefined : start + first + at}
          hasCaret={isGrowing && at === parts.length - 1}
        />
      )),
    [start],
  );
  const gap = loose ? SPACE.s : SPACE.xs;
  return (
    <View role="list" style={stacked}>
      <Shares parts={items} measure={itemMeasure} draw={draw} hasCaret={hasCaret} gap={gap} />
    </View>
  );
}

interface ItemProps {
  readonly item: Tokens.ListItem;
  /** Undefined where items have none. */
  readonly number: number | undefined;
  readonly hasCaret: boolean;
}

const Item = memo(function Item({ item, number, hasCaret }: ItemProps) {
  const { colors } = useAssistantTheme();
  const sign = number === undefined ? '•' : `${number}.`;
  const bullet = item.task ? (item.checked ? '☑' : '☐') : sign;
  return (
    <View role="listitem" style={styles.item}>
      <View style={styles.bullet}>
        <Text style={[TYPE.body, styles.number, { color: colors.muted }]}>{bullet}</Text>
      </View>
      <View style={styles.itemBody}>
        <Blocks tokens={item.tokens} hasCaret={hasCaret} />
      </View>
    </View>
  );
});

function Quote({ tokens, hasCaret }: { tokens: readonly Token[]; hasCaret: boolean }) {
  const { colors } = useAssistantTheme();
  return (
    <View style={[styles.quote, { borderColor: colors.accent }]}>
      <Blocks tokens={tokens} hasCaret={hasCaret} />
    </View>
  );
}

function Blocks({ tokens, hasCaret }: { tokens: readonly Token[]; hasCaret: boolean }) {
  const shown = tokens.filter(({ type }) => type !== 'space' && type !== 'checkbox') as MarkedToken[];
  if (shown.length === 0 && hasCaret) return <Words tokens={[]} hasCaret />;
  return shown.map((token, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: blocks only follow one another
    <Block key={at} token={token} hasCaret={hasCaret && at === shown.length - 1} />
  ));
}

function Rule() {
  const { colors } = useAssistantTheme();
  return <View role="separator" style={[styles.rule, { backgroundColor: colors.border }]} />;
}

const styles = StyleSheet.create({
  heading: { marginTop: SPACE.s },
  item: { flexDirection: 'row', gap: SPACE.s },
  bullet: { minWidth: 20, alignItems: 'flex-end' },
  number: { fontVariant: ['tabular-nums'] },
  itemBody: { flex: 1, minWidth: 0, gap: SPACE.xs },
  quote: { borderStartWidth: 3, paddingStart: SPACE.l, paddingVertical: SPACE.xs, gap: SPACE.s },
  rule: { height: 1, marginVertical: SPACE.s },
});
