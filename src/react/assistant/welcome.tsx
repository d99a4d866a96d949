/** A conversation in which nothing was asked yet. */
import { Pressable, ScrollView, StyleSheet, Text, View } from 'react-native';
import { focusRing } from './button.tsx';
import { Logo } from './icon.tsx';
import type { Suggestion } from './strings.ts';
import { MEASURE, RADIUS, SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { headingLevel } from './web-props.ts';

interface WelcomeProps {
  readonly suggestions: readonly Suggestion[];
  readonly onAsk: (prompt: string) => void;
}

export function Welcome({ suggestions, onAsk }: WelcomeProps) {
  const theme = useAssistantTheme();
  const { colors, strings, isWide } = theme;
  return (
    <ScrollView style={styles.scroll} contentContainerStyle={styles.whole}>
      <Logo size={52} />
      <View style={styles.words}>
        <Text
          role="heading"
          {...headingLevel(2)}
          style={[TYPE.display, styles.centred, { color: colors.text }]}
        >
          {strings.greeting}
        </Text>
        <Text style={[TYPE.body, styles.centred, { color: colors.muted }]}>{strings.greetingDetail}</Text>
      </View>
      <View role="list" aria-label={strings.suggestions} style={styles.cards}>
        {suggestions.map(({ title, detail, prompt }) => (
          <View key={title} role="listitem" style={isWide ? styles.half : styles.full}>
            <Pressable
              role="button"
              onPress={() => onAsk(prompt)}
              style={({ pressed, hovered }: { pressed: boolean; hovered?: boolean }) => [
                styles.card,
                focusRing(theme),
                {
                  borderColor: colors.border,
                  backgroundColor: pressed || hovered ? colors.raised : colors.surface,
                },
              ]}
            >
              <Text style={[TYPE.label, styles.title, { color: colors.text }]}>{title}</Text>
              {detail && <Text style={[TYPE.label, { color: colors.muted }]}>{detail}</Text>}
            </Pressable>
          </View>
        ))}
      </View>
    </ScrollView>
  );
}

const styles = StyleSheet.create({
  scroll: { flex: 1 },
  whole: {
    flexGrow: 1,
    alignItems: 'center',
    justifyContent: 'center',
    gap: SPACE.xl,
    padding: SPACE.l,
  },
  words: { gap: SPACE.s, maxWidth: 520 },
  centred: { textAlign: 'center' },
  cards: { width: '100%', maxWidth: MEASURE, flexDirection: 'row', flexWrap: 'wrap', margin: -SPACE.xs },
  half: { width: '50%', padding: SPACE.xs },
  full: { width: '100%', padding: SPACE.xs },
  card: { flex: 1, gap: 2, padding: SPACE.l, borderWidth: 1, borderRadius: RADIUS.m },
  title: { fontWeight: '600' },
});
