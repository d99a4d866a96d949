/** Answers that were asked for on another device: an entry for each in the list, and a note while one is being written. */
import { memo, useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { Pressable, StyleSheet, Text, View } from 'react-native';
import type { ListedStream } from '../../client/index.ts';
import { useDash } from '../dash-provider.tsx';
import { ElsewhereStore } from '../store/elsewhere-store.ts';
import { focusRing, TextButton } from './button.tsx';
import { ENTRY } from './entry-styles.ts';
import { NoteBar } from './note-bar.tsx';
import { SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { headingLevel, marked } from './web-props.ts';

export interface Elsewhere {
  readonly streams: readonly ListedStream[];
  /** Makes it a conversation here, and gives its id. */
  readonly adopt: (stream: ListedStream) => string;
}

/** What there is of other devices; nothing is asked for where it is not wanted. */
export function useElsewhere(isWanted: boolean, action: string): Elsewhere {
  const { client, conversations, frames } = useDash();
  const { strings } = useAssistantTheme();
  const [store] = useState(() => new ElsewhereStore(client, conversations, frames));
  useEffect(() => (isWanted ? store.listen(action) : undefined), [store, isWanted, action]);
  const streams = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
  const adopt = useCallback(
    (stream: ListedStream) => conversations.adopt(stream, strings.elsewhere.title),
    [conversations, strings],
  );
  return { streams, adopt };
}

interface ElsewhereProps {
  readonly streams: readonly ListedStream[];
  readonly onOpen: (stream: ListedStream) => void;
}

/** For the list of conversations. */
export const ElsewhereList = memo(function ElsewhereList({ streams, onOpen }: ElsewhereProps) {
  const { colors, strings } = useAssistantTheme();
  const { heading } = strings.elsewhere;
  if (streams.length === 0) return null;
  return (
    <View style={styles.group}>
      <Text role="heading" {...headingLevel(3)} style={[TYPE.small, styles.heading, { color: colors.muted }]}>
        {heading}
      </Text>
      <View role="list" aria-label={heading}>
        {streams.map((stream) => (
          <View key={stream.epoch} role="listitem">
            <Entry stream={stream} onOpen={onOpen} />
          </View>
        ))}
      </View>
    </View>
  );
});

function Entry({ stream, onOpen }: { readonly stream: ListedStream } & Pick<ElsewhereProps, 'onOpen'>) {
  const theme = useAssistantTheme();
  const { colors, strings } = theme;
  const isLive = stream.state === 'live';
  const time = new Date(stream.startedAt).toLocaleString(strings.locale, TIME);
  return (
    <Pressable
      role="button"
      onPress={() => onOpen(stream)}
      {...marked('dashEntry')}
      style={({ pressed, hovered }: { pressed: boolean; hovered?: boolean }) => [
        ENTRY.pressed,
        focusRing(theme),
        (pressed || hovered) && { backgroundColor: colors.raised },
      ]}
    >
      <View style={ENTRY.words}>
        <Text numberOfLines={1} style={[TYPE.label, { color: colors.text }]}>
          {strings.elsewhere.title}
        </Text>
        <Text numberOfLines={1} style={[TYPE.small, { color: colors.muted }]}>
          {isLive ? `${strings.answering} · ${time}` : time}
        </Text>
      </View>
      {isLive && <View style={[ENTRY.dot, { borderColor: colors.accent }]} />}
    </Pressable>
  );
}

const TIME: Intl.DateTimeFormatOptions = { weekday: 'short', hour: 'numeric', minute: '2-digit' };

/** Above the transcript, while an answer is being written elsewhere. The status is there before it says anything: only then is it read out. */
export function ElsewhereNote({ streams, onOpen }: ElsewhereProps) {
  const { strings } = useAssistantTheme();
  const live = streams.find(({ state }) => state === 'live');
  return (
    <View role="status" aria-live="polite" style={styles.place}>
      {live && (
        <NoteBar words={strings.elsewhere.note}>
          <TextButton tone="outline" label={strings.elsewhere.show} onPress={() => onOpen(live)} />
        </NoteBar>
      )}
    </View>
  );
}

const styles = StyleSheet.create({
  group: { gap: SPACE.xs, paddingHorizontal: SPACE.s, paddingBottom: SPACE.m },
  heading: { fontWeight: '600', paddingHorizontal: SPACE.m },
  place: { paddingHorizontal: SPACE.m },
});
