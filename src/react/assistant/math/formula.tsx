/** A formula in an answer: the app's own drawing of it, a browser's typesetting, or readable Unicode. */
import { type ReactNode, useMemo } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import type { MathToken } from '../markdown/extensions.ts';
import { useRendering } from '../markdown/rendering.ts';
import { Sideways } from '../markdown/sideways.tsx';
import { Caret } from '../progress.tsx';
import { SPACE, TYPE } from '../theme.ts';
import { useAssistantTheme } from '../theme-context.tsx';
import { displayHeight } from './display-height.ts';
import { readableMath } from './readable-math.ts';

/** Within a sentence. */
export function InlineFormula({ token }: { token: MathToken }): ReactNode {
  const { renderMath, web } = useRendering();
  const { text: tex, isOpen } = token;
  const readable = useMemo(() => readableMath(tex).replaceAll('\n', ' '), [tex]);
  const own = renderMath?.({ tex, isDisplay: false, isOpen, readable });
  if (own !== undefined) return own;
  const plain = <Text>{readable}</Text>;
  return web ? <web.Typeset tex={tex} isDisplay={false} plain={plain} /> : plain;
}

/** On lines of its own. While it grows it is quiet text, which has the room already that it will need. */
export function DisplayFormula({ token, hasCaret }: { token: MathToken; hasCaret: boolean }): ReactNode {
  const { renderMath, web } = useRendering();
  const { colors, strings } = useAssistantTheme();
  const { text: tex, isOpen } = token;
  const readable = useMemo(() => readableMath(tex), [tex]);
  const own = renderMath?.({ tex, isDisplay: true, isOpen, readable });
  if (own !== undefined) return own;
  const plain = (
    <Text selectable style={[TYPE.body, styles.plain, { color: isOpen ? colors.muted : colors.text }]}>
      {readable}
      {hasCaret && <Caret />}
    </Text>
  );
  return (
    <Sideways label={strings.formula} background={colors.background} contentStyle={styles.content}>
      <View style={[styles.formula, { minHeight: displayHeight(tex) }]}>
        {web && !isOpen ? <web.Typeset tex={tex} isDisplay plain={plain} /> : plain}
      </View>
    </Sideways>
  );
}

const styles = StyleSheet.create({
  content: { flexGrow: 1, justifyContent: 'center' },
  formula: { flexGrow: 1, justifyContent: 'center', alignItems: 'center', paddingHorizontal: SPACE.s },
  plain: { textAlign: 'center', writingDirection: 'ltr' },
});
