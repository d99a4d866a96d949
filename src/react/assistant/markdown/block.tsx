/** One block of an answer. Drawn again only when its token is another one. */
import type { MarkedToken, Token, Tokens } from 'marked';
import { memo, type ReactNode } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { Caret } from '../progress.tsx';
import { SPACE, TYPE } from '../theme.ts';
import { useAssistantTheme } from '../theme-context.tsx';
import { headingLevel } from '../web-props.ts';
import { CodeBlock } from './code-block.tsx';
import { Inline } from './inline.tsx';
import { Table } from './table.tsx';
import { useSteps } from './use-steps.ts';

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
  const caret = hasCaret ? <Caret /> : undefined;
  switch (token.type) {
    case 'heading':
      return <Heading heading={token} level={level} isFirst={isFirst} caret={caret} />;
    case 'paragraph':
      return <Prose tokens={token.tokens} caret={caret} />;
    case 'text':
      return <Prose tokens={token.tokens ?? [token]} caret={caret} />;
    case 'list':
      return <List list={token} hasCaret={hasCaret} />;
    case 'blockquote':
      return <Quote tokens={token.tokens} hasCaret={hasCaret} />;
    case 'code':
      return <CodeBlock text={token.text} language={token.lang} caret={caret} />;
    case 'table':
      return <Table table={token} />;
    case 'hr':
      return <Rule />;
    case 'checkbox':
      return null; // its list item shows it
    default:
      return <Prose tokens={[{ type: 'text', raw: token.raw, text: token.raw.trim() }]} caret={caret} />;
  }
});

function Prose({ tokens, caret }: { tokens: readonly Token[]; caret: ReactNode }) {
  const { colors } = useAssistantTheme();
  return (
    <Text selectable style={[TYPE.body, { color: colors.text }]}>
      <Inline tokens={tokens} tail={caret} />
    </Text>
  );
}

interface HeadingProps {
  readonly heading: Tokens.Heading;
  readonly level: number;
  readonly isFirst: boolean;
  readonly caret: ReactNode;
}

function Heading({ heading: { depth, tokens }, level, isFirst, caret }: HeadingProps) {
  const { colors } = useAssistantTheme();
  const type = depth === 1 ? TYPE.heading1 : depth === 2 ? TYPE.heading2 : TYPE.heading3;
  return (
    <Text
      selectable
      role="heading"
      {...headingLevel(level)}
      style={[type, !isFirst && styles.heading, { color: colors.text }]}
    >
      <Inline tokens={tokens} tail={caret} />
    </Text>
  );
}

function List({ list, hasCaret }: { list: Tokens.List; hasCaret: boolean }) {
  const first = typeof list.start === 'number' ? list.start : 1;
  const drawn = useSteps(list.items.length);
  return (
    <View role="list" style={list.loose ? styles.looseList : styles.list}>
      {list.items.slice(0, drawn).map((item, at) => (
        <Item
          // biome-ignore lint/suspicious/noArrayIndexKey: items only follow one another
          key={at}
          item={item}
          bullet={item.task ? (item.checked ? '☑' : '☐') : list.ordered ? `${first + at}.` : '•'}
          hasCaret={hasCaret && at === list.items.length - 1}
        />
      ))}
    </View>
  );
}

interface ItemProps {
  readonly item: Tokens.ListItem;
  readonly bullet: string;
  readonly hasCaret: boolean;
}

const Item = memo(function Item({ item, bullet, hasCaret }: ItemProps) {
  const { colors } = useAssistantTheme();
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
  if (shown.length === 0 && hasCaret) return <Prose tokens={[]} caret={<Caret />} />;
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
  list: { gap: SPACE.xs },
  looseList: { gap: SPACE.s },
  item: { flexDirection: 'row', gap: SPACE.s },
  bullet: { minWidth: 20, alignItems: 'flex-end' },
  number: { fontVariant: ['tabular-nums'] },
  itemBody: { flex: 1, minWidth: 0, gap: SPACE.xs },
  quote: { borderStartWidth: 3, paddingStart: SPACE.l, paddingVertical: SPACE.xs, gap: SPACE.s },
  rule: { height: 1, marginVertical: SPACE.s },
});
