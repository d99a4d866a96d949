/** What was said, as it was written: until what draws it better has been loaded, and where it cannot be. */
import { ScrollView, StyleSheet, Text } from 'react-native';
import type { ChatMessage } from '../store/messages.ts';
import { MEASURE, SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';

export function PlainTranscript({ messages }: { messages: readonly ChatMessage[] }) {
  const { colors, strings } = useAssistantTheme();
  return (
    <ScrollView
      role="region"
      aria-label={strings.messages}
      tabIndex={0}
      style={styles.whole}
      contentContainerStyle={styles.content}
    >
      {messages.map(({ id, role, content }) => (
        <Text key={id} selectable style={[TYPE.body, styles.message, { color: colors.text }]}>
          {`${role === 'user' ? strings.you : strings.assistant}: ${content}`}
        </Text>
      ))}
    </ScrollView>
  );
}

const styles = StyleSheet.create({
  whole: { flex: 1, minHeight: 0 },
  content: { alignItems: 'center', gap: SPACE.l, padding: SPACE.l },
  message: { width: '100%', maxWidth: MEASURE },
});
