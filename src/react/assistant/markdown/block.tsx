/** One block of an answer. Drawn again only when its token is another one. */
import type { Token, Tokens } from 'marked';
import { memo, type ReactNode, useCallback } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { DisplayFormula } from '../math/formula.tsx';
import { Caret } from '../progress.tsx';
import { SPACE, TYPE } from '../theme.ts';
import { useAssistantTheme } from '../theme-context.tsx';
import { headingLevel, stacked } from '../web-props.ts';
import { CodeBlock } from './code-block.tsx';
import { directionOf, useOwnDirection } from './direction.ts';
import type { AnswerToken, FootnoteToken, MathToken } from './extensions.ts';
import { useFootnote } from './footnotes.tsx';
import { FootnoteLink, Inline, withoutLastBreak } from './inline.tsx';
import { itemMeasure, LONGEST_PROSE, markMeasure } from './measures.ts';
import { type AnswerBlock, useRendering } from './rendering.ts';
import { Shares } from './shares.tsx';
import { Table } from './table.tsx';

interface BlockProps {
  readonly token: AnswerToken;
  readonly hasCaret: boolean;
  /** Of a heading. */
  readonly level?: number | undefined;
  readonly isFirst?: boolean;
}

/** As the app draws it, else as the assistant does. */
export const Block = memo(function Block(props: BlockProps): ReactNode {
  const { renderBlock } = useRendering();
  const own = renderBlock?.(blockOf(props.token, props.hasCaret));
  return own === undefined ? <OwnBlock {...props} /> : own;
});

function OwnBlock({ token, hasCaret, level = 2, isFirst = false }: BlockProps): ReactNode {
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
      return <Quote quote={token} hasCaret={hasCaret} />;
    case 'code':
      return <CodeBlock text={token.text} language={token.lang} hasCaret={hasCaret} />;
    case 'table':
      return <Table table={token} hasCaret={hasCaret} />;
    case 'math':
      return <DisplayFormula token={token} hasCaret={hasCaret} />;
    case 'footnote':
      return <Footnote footnote={token} hasCaret={hasCaret} />;
    case 'hr':
      return <Rule />;
    case 'checkbox':
      return null; // its list item shows it
    default:
      return (
        <Words tokens={[{ type: 'text', raw: token.raw, text: token.raw.trim() }]} hasCaret={hasCaret} />
      );
  }
}

/** What an app is told of it. */
function blockOf(token: AnswerToken, isGrowing: boolean): AnswerBlock {
  const isSource = token.type === 'code' || token.type === 'math';
  return {
    type: BLOCK_TYPES.get(token.type) ?? 'other',
    source: token.raw,
    text: isSource ? token.text : undefined,
    language: token.type === 'code' ? token.lang?.split(/\s/)[0] || undefined : undefined,
    isGrowing,
  };
}

const BLOCK_TYPES: ReadonlyMap<string, AnswerBlock['type']> = new Map([
  ['heading', 'heading'],
  ['paragraph', 'paragraph'],
  ['text', 'paragraph'],
  ['list', 'list'],
  ['blockquote', 'quote'],
  ['code', 'code'],
  ['table', 'table'],
  ['math', 'math'],
  ['footnote', 'footnote'],
  ['hr', 'rule'],
]);

interface ProseProps {
  readonly tokens: readonly Token[];
  readonly hasCaret: boolean;
}

function Prose({ tokens, hasCaret }: ProseProps) {
  const length = tokens.reduce((sum, { raw }) => sum + raw.length, 0);
  if (length <= LONGEST_PROSE) return <Passage tokens={tokens} hasCaret={hasCaret} />;
  return (
    <View style={stacked}>
      <Shares parts={tokens} measure={markMeasure} draw={drawWords} hasCaret={hasCaret} />
    </View>
  );
}

const drawWords = (tokens: readonly Token[], _first: number, hasCaret: boolean): ReactNode => (
  <Passage tokens={withoutLastBreak(tokens)} hasCaret={hasCaret} />
);

/** Words, and the formulas among them that stand on lines of their own. */
function Passage({ tokens, hasCaret }: ProseProps) {
  if (!tokens.some(isDisplayed)) return <Words tokens={tokens} hasCaret={hasCaret} />;
  const parts = partsOf(tokens);
  return (
    <View style={styles.passage}>
      {parts.map((part, at) => {
        const isLast = hasCaret && at === parts.length - 1;
        return isDisplayed(part) ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: text only grows
          <DisplayFormula key={at} token={part} hasCaret={isLast} />
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: text only grows
          <Words key={at} tokens={part} hasCaret={isLast} />
        );
      })}
    </View>
  );
}

function isDisplayed(token: Token | readonly Token[]): token is MathToken {
  return 'type' in token && token.type === 'math' && (token as MathToken).isDisplay;
}

/** Formulas, and between them words without the breaks around those. */
function partsOf(tokens: readonly Token[]): (MathToken | readonly Token[])[] {
  const parts: (MathToken | Token[])[] = [];
  for (const token of tokens) {
    const last = parts.at(-1);
    const sign = last && isDisplayed(last) ? PUNCTUATION.exec(token.raw)?.[1] : undefined;
    if (isDisplayed(token)) parts.push(token);
    else if (sign && last && isDisplayed(last)) {
      parts.splice(-1, 1, { ...last, text: last.text.trimEnd() + sign });
      if (token.raw.trim() !== sign) parts.push([withoutFirst(token, sign)]);
    } else if (Array.isArray(last)) last.push(token);
    else if (token.raw.trim() !== '') parts.push([last ? withoutFirst(token, '') : token]);
  }
  return parts.map((part) => (Array.isArray(part) ? withoutLastBreak(part) : part));
}

/** What ends a sentence belongs to the formula before it, and begins no line. */
const PUNCTUATION = /^([.,;])(?:\s|$)/;

function withoutFirst(token: Token, sign: string): Token {
  return token.type === 'text' && !token.tokens
    ? { ...token, text: token.text.slice(sign.length).trimStart() }
    : token;
}

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
  const { direction } = useAssistantTheme();
  const written = directionOf(list.raw) ?? direction;
  const draw = useCallback(
    (parts: readonly Tokens.ListItem[], first: number, isGrowing: boolean) =>
      parts.map((item, at) => (
        <Item
          // biome-ignore lint/suspicious/noArrayIndexKey: items only follow one another
          key={at}
          item={item}
          number={start === undefined ? undefined : start + first + at}
          direction={written}
          hasCaret={isGrowing && at === parts.length - 1}
        />
      )),
    [start, written],
  );
  const gap = loose ? SPACE.s : SPACE.xs;
  return (
    <View role="list" {...useOwnDirection(list.raw, stacked)}>
      <Shares parts={items} measure={itemMeasure} draw={draw} hasCaret={hasCaret} gap={gap} />
    </View>
  );
}

interface ItemProps {
  readonly item: Tokens.ListItem;
  /** Undefined where items have none. */
  readonly number: number | undefined;
  /** Of the list: a number by itself has none, and its dot would stand on the wrong side. */
  readonly direction: 'ltr' | 'rtl';
  readonly hasCaret: boolean;
}

const Item = memo(function Item({ item, number, direction, hasCaret }: ItemProps) {
  const { colors } = useAssistantTheme();
  const sign = number === undefined ? '•' : `${number}.`;
  return (
    <View role="listitem" style={styles.item}>
      <View style={styles.bullet}>
        {item.task ? (
          <Box item={item} />
        ) : (
          <Text style={[TYPE.body, styles.number, { color: colors.muted, writingDirection: direction }]}>
            {sign}
          </Text>
        )}
      </View>
      <View style={styles.itemBody}>
        <Blocks tokens={item.tokens} hasCaret={hasCaret} />
      </View>
    </View>
  );
});

/** Of a task: it says whether that is done, and cannot be changed. */
function Box({ item: { checked = false, text } }: { item: Tokens.ListItem }) {
  const { colors } = useAssistantTheme();
  const task = text
    .split('\n')[0]
    ?.replaceAll(/[*_`~$\\[\]]/g, '')
    .slice(0, LONGEST_NAME);
  return (
    <View role="checkbox" aria-checked={checked} aria-disabled aria-label={task || undefined}>
      <Text style={[TYPE.body, { color: checked ? colors.accent : colors.muted }]}>
        {checked ? '☑' : '☐'}
      </Text>
    </View>
  );
}

/** Of what is only named, in characters. */
const LONGEST_NAME = 120;

function Quote({ quote: { tokens, raw }, hasCaret }: { quote: Tokens.Blockquote; hasCaret: boolean }) {
  const { colors } = useAssistantTheme();
  return (
    <View {...useOwnDirection(raw, [styles.quote, { borderColor: colors.accent }])}>
      <Blocks tokens={tokens} hasCaret={hasCaret} />
    </View>
  );
}

function Footnote({ footnote: { label, tokens }, hasCaret }: { footnote: FootnoteToken; hasCaret: boolean }) {
  const { colors, strings } = useAssistantTheme();
  const { element, go } = useFootnote('note', label);
  return (
    <View ref={element} role="note" aria-label={strings.footnote(label)} tabIndex={-1} style={styles.item}>
      <Text style={[TYPE.label, styles.number, { color: colors.muted }]}>
        <FootnoteLink name={strings.backToText} go={go}>
          {label}.
        </FootnoteLink>
      </Text>
      <Text selectable style={[TYPE.label, styles.note, { color: colors.text }]}>
        <Inline tokens={tokens} tail={hasCaret && <Caret />} />
      </Text>
    </View>
  );
}

function Blocks({ tokens, hasCaret }: { tokens: readonly Token[]; hasCaret: boolean }) {
  const shown = tokens.filter(({ type }) => type !== 'space' && type !== 'checkbox') as AnswerToken[];
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
  passage: { gap: SPACE.s },
  note: { flex: 1, minWidth: 0 },
  itemBody: { flex: 1, minWidth: 0, gap: SPACE.xs },
  quote: { borderStartWidth: 3, paddingStart: SPACE.l, paddingVertical: SPACE.xs, gap: SPACE.s },
  rule: { height: 1, marginVertical: SPACE.s },
});
