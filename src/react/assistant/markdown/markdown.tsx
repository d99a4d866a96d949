/** An answer's Markdown as React Native elements. Nothing of it is ever HTML. */
import { memo, type ReactNode, useState } from 'react';
import { View } from 'react-native';
import { SPACE } from '../theme.ts';
import { stacked } from '../web-props.ts';
import { Block } from './block.tsx';
import { createBlockParser, type RankedBlock, rankHeadings, type TextState } from './blocks.ts';
import { FootnotesProvider } from './footnotes.tsx';
import { blockMeasure, textHeight } from './measures.ts';
import { Shares } from './shares.tsx';
import { useReading } from './use-reading.ts';

interface MarkdownProps {
  readonly text: string;
  /** While it grows a caret stands at its end. */
  readonly state: TextState;
}

export const Markdown = memo(function Markdown({ text, state }: MarkdownProps) {
  const [parser] = useState(createBlockParser);
  const [rank] = useState(rankHeadings);
  const { length, isBegun } = useReading(text.length, state === 'growing');
  const isRead = length === text.length;
  const begun = isRead ? text : text.slice(0, length);
  if (!isBegun) {
    parser.prepare(begun);
    return <View aria-hidden style={{ height: textHeight(text) }} />;
  }
  const blocks = parser.read(begun, isRead ? state : 'growing');
  return (
    <FootnotesProvider>
      <View style={stacked}>
        <Shares
          isOutermost
          parts={rank(blocks)}
          measure={blockMeasure}
          draw={drawBlocks}
          hasCaret={state === 'growing'}
          gap={SPACE.m}
        />
      </View>
    </FootnotesProvider>
  );
});

function drawBlocks(blocks: readonly RankedBlock[], first: number, hasCaret: boolean): ReactNode {
  return blocks.map(({ token, level }, at) => (
    <Block
      // biome-ignore lint/suspicious/noArrayIndexKey: blocks only follow one another
      key={at}
      token={token}
      level={level}
      isFirst={first + at === 0}
      hasCaret={hasCaret && at === blocks.length - 1}
    />
  ));
}
