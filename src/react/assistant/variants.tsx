/** Leads from one variant of a question or an answer to the next; after the last comes the first. */
import { memo } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { IconButton } from './button.tsx';
import { Spoken } from './spoken.tsx';
import { TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';

interface VariantSwitchProps {
  /** The one that is shown. */
  readonly id: string;
  /** All, the oldest first. */
  readonly ids: readonly string[];
  readonly onShow: (id: string) => void;
}

export const VariantSwitch = memo(function VariantSwitch({ id, ids, onShow }: VariantSwitchProps) {
  const { colors, strings, direction } = useAssistantTheme();
  const at = ids.indexOf(id);
  const which = `${at + 1}/${ids.length}`;
  const step = (by: number) => (): void => onShow(ids.at((at + by) % ids.length) ?? id);
  const [back, on] = direction === 'rtl' ? (['next', 'previous'] as const) : (['previous', 'next'] as const);
  return (
    <View role="group" aria-label={strings.version(which)} style={styles.switch}>
      <IconButton icon={back} size={32} label={strings.previousVersion} onPress={step(-1)} />
      <Text aria-hidden style={[TYPE.small, styles.count, { color: colors.muted }]}>
        {which}
      </Text>
      <Spoken>{strings.version(which)}</Spoken>
      <IconButton icon={on} size={32} label={strings.nextVersion} onPress={step(1)} />
    </View>
  );
});

const styles = StyleSheet.create({
  switch: { flexDirection: 'row', alignItems: 'center' },
  count: { fontVariant: ['tabular-nums'], minWidth: 24, textAlign: 'center' },
});
