/** An answer's Markdown as React Native elements. Nothing of it is ever HTML. */
import { memo, useState } from 'react';
import { StyleSheet, View } from 'react-native';
import { SPACE } from '../theme.ts';
import { Block } from './block.tsx';
import { createBlockParser, headingLevels, type TextState } from './blocks.ts';
import { useSteps } from './use-steps.ts';

interface MarkdownProps {
  readonly text: string;
  /** While it grows a caret stands at its end. */
  readonly state: TextState;
}

export const Markdown = memo(function Markdown({ text, state }: MarkdownProps) {
  const [reader] = useState(createBlockParser);
  const blocks = reader.read(text, state);
  const levels = headingLevels(blocks);
  const drawn = useSteps(blocks.length);
  return (
    <View style={styles.blocks}>
      {blocks.slice(0, drawn).map((token, at) => (
        <Block
          // biome-ignore lint/suspicious/noArrayIndexKey: blocks only follow one another
          key={at}
          token={token}
          level={levels[at]}
          isFirst={at === 0}
          hasCaret={state === 'growing' && at === blocks.length - 1}
        />
      ))}
    </View>
  );
});

const styles = StyleSheet.create({ blocks: { gap: SPACE.m } });
