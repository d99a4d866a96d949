/** One photo or PDF before it is sent. */
import { memo } from 'react';
import { Image, StyleSheet, Text, TextInput, View } from 'react-native';
import type { PendingAttachment } from '../../use-attachments.ts';
import { IconButton, TextButton } from '../button.tsx';
import { Icon } from '../icon.tsx';
import { RADIUS, SPACE, TOUCH, TYPE } from '../theme.ts';
import { useAssistantTheme } from '../theme-context.tsx';
import { typedIn } from '../web-props.ts';
import { canRetry, stateOf } from './file-words.ts';

interface PendingCardProps {
  readonly file: PendingAttachment;
  readonly name: string;
  readonly onDescribe: (id: string, alt: string) => void;
  readonly onRetry: (id: string) => void;
  readonly onRemove: (id: string) => void;
}

/** Of the words for what it shows, characters: a sentence or two. */
const ALT_LENGTH = 300;

export const PendingCard = memo(function PendingCard({ file, name, ...on }: PendingCardProps) {
  const { colors, strings, direction } = useAssistantTheme();
  const hasFailed = file.status === 'failed';
  return (
    <View role="listitem" style={[styles.card, { borderColor: hasFailed ? colors.danger : colors.border }]}>
      <Thumbnail file={file} />
      <View style={styles.words}>
        <Text role="status" style={[TYPE.small, { color: hasFailed ? colors.danger : colors.muted }]}>
          {`${name} · ${stateOf(file, strings)}`}
        </Text>
        {hasFailed ? (
          canRetry(file) && (
            <TextButton icon="repeat" label={strings.retry} onPress={() => on.onRetry(file.id)} />
          )
        ) : (
          <TextInput
            value={file.alt}
            onChangeText={(alt) => on.onDescribe(file.id, alt)}
            maxLength={ALT_LENGTH}
            aria-label={strings.describeFile(name)}
            placeholder={strings.describeHint}
            placeholderTextColor={colors.muted}
            {...typedIn(file.alt, direction)}
            style={[
              styles.input,
              { color: colors.text, borderColor: colors.outline, outlineColor: colors.accent },
            ]}
          />
        )}
      </View>
      <IconButton icon="close" label={strings.removeFile(name)} onPress={() => on.onRemove(file.id)} />
    </View>
  );
});

function Thumbnail({ file: { kind, status, uri, progress } }: { file: PendingAttachment }) {
  const { colors } = useAssistantTheme();
  const isMoving = status === 'preparing' || status === 'uploading';
  return (
    <View style={[styles.thumbnail, { backgroundColor: colors.raised }]} aria-hidden>
      {uri === undefined ? (
        <Icon name={kind === 'photo' ? 'picture' : 'page'} color={colors.muted} size={24} />
      ) : (
        <Image source={{ uri }} resizeMode="cover" style={StyleSheet.absoluteFill} />
      )}
      {isMoving && (
        <View style={[styles.track, { backgroundColor: colors.scrim }]}>
          <View
            style={[styles.sent, { width: `${Math.round(progress * 100)}%`, backgroundColor: colors.accent }]}
          />
        </View>
      )}
    </View>
  );
}

const styles = StyleSheet.create({
  card: {
    flexDirection: 'row',
    alignItems: 'center',
    gap: SPACE.s,
    padding: SPACE.s,
    borderWidth: 1,
    borderRadius: RADIUS.m,
  },
  thumbnail: {
    width: 64,
    height: 64,
    alignItems: 'center',
    justifyContent: 'center',
    borderRadius: RADIUS.s,
    overflow: 'hidden',
  },
  track: { position: 'absolute', bottom: 0, start: 0, end: 0, height: 6 },
  sent: { height: 6 },
  words: { flex: 1, minWidth: 0, gap: SPACE.xs, alignItems: 'flex-start' },
  input: {
    width: '100%',
    height: TOUCH,
    paddingHorizontal: SPACE.m,
    borderWidth: 1,
    borderRadius: RADIUS.s,
    fontSize: 16,
  },
});
