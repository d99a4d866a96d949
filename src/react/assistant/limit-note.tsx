/** Tells once, quietly, that a limit is near: what it counts, what is left, and when it begins anew. */
import { useEffect, useState } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import type { QuotaState } from '../../client/index.ts';
import { useDash } from '../dash-provider.tsx';
import type { AnswerMessage } from '../store/messages.ts';
import { IconButton } from './button.tsx';
import { limitWords } from './limit-words.ts';
import { MEASURE, RADIUS, SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';

/** By conversations, so by user: the limits, as `keyOf` names them, and the answer that told of each. */
const told = new WeakMap<object, Map<string, string>>();

export function LimitNote({ answer }: { answer: AnswerMessage | undefined }) {
  const { colors, strings } = useAssistantTheme();
  const [closed, setClosed] = useState<string>();
  const isFirst = useTold(answer);
  const warning = answer?.warning;
  if (!warning || !isFirst || closed === answer.id) return null;
  return (
    <View style={styles.place}>
      <View role="status" style={[styles.note, { backgroundColor: colors.code }]}>
        <Text style={[TYPE.label, styles.words, { color: colors.muted }]}>
          {limitWords(warning, strings)}
        </Text>
        <IconButton icon="close" size={32} label={strings.dismiss} onPress={() => setClosed(answer.id)} />
      </View>
    </View>
  );
}

/** Whether that answer is the one that tells of its limit. */
function useTold(answer: AnswerMessage | undefined): boolean {
  const { conversations } = useDash();
  const { id, warning } = answer ?? {};
  const key = warning && keyOf(warning);
  const known = key === undefined ? undefined : told.get(conversations)?.get(key);
  useEffect(() => {
    if (key === undefined || id === undefined) return;
    const limits = told.get(conversations) ?? new Map<string, string>();
    if (!limits.has(key)) limits.set(key, id);
    told.set(conversations, limits);
  }, [conversations, key, id]);
  return known === undefined || known === id;
}

function keyOf({ of, scope, period, resetsAt }: QuotaState): string {
  return `${of} ${scope} ${period} ${resetsAt}`;
}

const styles = StyleSheet.create({
  place: { alignItems: 'center', paddingHorizontal: SPACE.m },
  note: {
    width: '100%',
    maxWidth: MEASURE,
    flexDirection: 'row',
    alignItems: 'center',
    gap: SPACE.s,
    paddingStart: SPACE.m,
    paddingEnd: SPACE.xs,
    paddingVertical: SPACE.xs,
    borderRadius: RADIUS.m,
  },
  words: { flex: 1 },
});
