/** What opens the ways to choose a photo or a PDF, or the only one there is. */
import type { Ref } from 'react';
import { StyleSheet, View } from 'react-native';
import { type Focusable, IconButton, TextButton } from '../button.tsx';
import { SPACE } from '../theme.ts';
import { useAssistantTheme } from '../theme-context.tsx';
import type { Source } from './attachment-options.ts';

interface AttachButtonProps {
  readonly ref: Ref<Focusable>;
  readonly sources: readonly Source[];
  readonly isOpen: boolean;
  readonly onToggle: () => void;
  readonly onChoose: (source: Source) => void;
}

export function AttachButton({ ref, sources, isOpen, onToggle, onChoose }: AttachButtonProps) {
  const { strings } = useAssistantTheme();
  const [only, ...more] = sources;
  if (only === undefined) return null;
  const hasChoice = more.length > 0;
  return (
    <IconButton
      ref={ref}
      icon="clip"
      size={40}
      label={strings.attach}
      expanded={hasChoice ? isOpen : undefined}
      onPress={hasChoice ? onToggle : () => onChoose(only)}
    />
  );
}

export function AttachMenu({ sources, onChoose }: Pick<AttachButtonProps, 'sources' | 'onChoose'>) {
  const { strings } = useAssistantTheme();
  return (
    <View role="group" aria-label={strings.attach} style={styles.menu}>
      {sources.map((source) => (
        <TextButton
          key={source.label}
          tone="outline"
          icon={source.icon}
          label={source.label}
          onPress={() => onChoose(source)}
        />
      ))}
    </View>
  );
}

const styles = StyleSheet.create({
  menu: { flexDirection: 'row', flexWrap: 'wrap', gap: SPACE.s, paddingBottom: SPACE.s },
});
