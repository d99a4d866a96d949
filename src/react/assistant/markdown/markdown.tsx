/** An answer's Markdown as React Native elements. Nothing of it is ever HTML. */
import { memo, useState } from 'react';
import { StyleSheet, View } from 'react-native';
import { SPACE } from '../theme.ts';
import { Block } from './block.tsx';
import { createBlockReader } from './blocks.ts';
import { headingLevels } from './heading-levels.ts';

/** `isGrowing`: more text may come; a caret stands at its end. */
export const Markdown = memo(function Markdown({ text, isGrowing }: { text: string; isGrowing: boolean }) {
  const [reader] = useState(createBlockReader);
  const blocks = reader.read(text, !isGrowing);
  const levels = headingLevels(blocks);
  return (
    <View style={styles.blocks}>
      {blocks.map((token, at) => (
        <Block
          // biome-ignore lint/suspicious/noArrayIndexKey: blocks only follow one another
          key={at}
          token={token}
          level={levels[at]}
          isFirst={at === 0}
          hasCaret={isGrowing && at === blocks.length - 1}
        />
      ))}
    </View>
  );
});

const styles = StyleSheet.create({ blocks: { gap: SPACE.m } });
