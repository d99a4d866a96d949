/** What goes with the next question: how each fares, what it shows, and how to take it out. */
import { useRef } from 'react';
import { ScrollView, type ScrollViewInstance, StyleSheet, View } from 'react-native';
import type { PendingAttachments } from '../../use-attachments.ts';
import { SPACE } from '../theme.ts';
import { useAssistantTheme } from '../theme-context.tsx';
import { nameOf } from './file-words.ts';
import { PendingCard } from './pending-card.tsx';

export function Tray({ files, onRemoved }: { files: PendingAttachments; onRemoved: () => void }) {
  const { strings } = useAssistantTheme();
  const scroller = useRef<ScrollViewInstance>(null);
  const known = useRef(0);
  if (files.list.length === 0) return null;
  return (
    <ScrollView
      ref={scroller}
      style={styles.tray}
      contentContainerStyle={styles.list}
      keyboardShouldPersistTaps="handled"
      onContentSizeChange={(_width, height) => {
        if (height > known.current) scroller.current?.scrollToEnd({ animated: false }); // to what was added
        known.current = height;
      }}
    >
      <View role="list" aria-label={strings.attached} style={styles.list}>
        {files.list.map((file, at) => (
          <PendingCard
            key={file.id}
            file={file}
            name={nameOf(file.kind, at, strings)}
            onDescribe={files.describe}
            onRetry={files.retry}
            onRemove={(id) => {
              files.remove(id);
              onRemoved();
            }}
          />
        ))}
      </View>
    </ScrollView>
  );
}

const styles = StyleSheet.create({
  /** Two whole, and a part of the third: there are more. */
  tray: { flexGrow: 0, maxHeight: 228, marginBottom: SPACE.s },
  list: { gap: SPACE.s },
});
