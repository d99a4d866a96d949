/** The photos and PDFs of a question that was asked. What this page does not hold stands there in words. */
import { memo, useState } from 'react';
import { Image, Pressable, StyleSheet, Text, View } from 'react-native';
import type { Attachment } from '../../store/attachment.ts';
import { useHeldFile } from '../../use-attachments.ts';
import { focusRing } from '../button.tsx';
import { Icon } from '../icon.tsx';
import { RADIUS, SPACE, TYPE } from '../theme.ts';
import { useAssistantTheme } from '../theme-context.tsx';
import { nameOf } from './file-words.ts';
import { PhotoDialog } from './photo-dialog.tsx';

export const SentFiles = memo(function SentFiles({ files }: { files: readonly Attachment[] }) {
  return (
    <View style={styles.files}>
      {files.map((file, at) => (
        <SentFile key={file.id} file={file} at={at} isOnly={files.length === 1} />
      ))}
    </View>
  );
});

function SentFile({ file, at, isOnly }: { file: Attachment; at: number; isOnly: boolean }) {
  const theme = useAssistantTheme();
  const { colors, strings } = theme;
  const held = useHeldFile(file.id);
  const [isLarge, setLarge] = useState(false);
  const name = nameOf(file.kind, at, strings);
  if (held?.uri === undefined) return <InWords file={file} name={name} isHeld={held !== undefined} />;
  const { uri, width = 1, height = 1 } = held;
  const isSending = held.status === 'uploading';
  const label = strings.enlarge(file.alt || name);
  return (
    <>
      <Pressable
        role="button"
        aria-label={isSending ? `${label} · ${strings.sendingFile}` : label}
        onPress={() => setLarge(true)}
        style={[
          styles.photo,
          sizeOf(width / height, isOnly),
          focusRing(theme),
          { backgroundColor: colors.raised },
        ]}
      >
        <Image source={{ uri }} resizeMode="cover" style={StyleSheet.absoluteFill} />
        {isSending && (
          <Text style={[TYPE.small, styles.sending, { color: colors.text, backgroundColor: colors.surface }]}>
            {strings.sendingFile}
          </Text>
        )}
      </Pressable>
      <PhotoDialog
        photo={isLarge ? { uri, ratio: width / height, alt: file.alt || name } : undefined}
        onClose={() => setLarge(false)}
      />
    </>
  );
}

function InWords({
  file: { kind, alt, pages },
  name,
  isHeld,
}: {
  file: Attachment;
  name: string;
  isHeld: boolean;
}) {
  const { colors, strings } = useAssistantTheme();
  const facts = [
    alt || name,
    pages === undefined ? '' : strings.pageCount(pages),
    isHeld ? '' : strings.fileGone,
  ];
  return (
    <View style={[styles.words, { borderColor: colors.outline }]}>
      <Icon name={kind === 'photo' ? 'picture' : 'page'} color={colors.muted} size={20} />
      <Text selectable style={[TYPE.label, styles.text, { color: colors.muted }]}>
        {facts.filter((fact) => fact !== '').join(' · ')}
      </Text>
    </View>
  );
}

/** Known before the picture is there, so nothing moves; pages and panoramas are shown in part. */
function sizeOf(ratio: number, isOnly: boolean): { width: number; aspectRatio: number } {
  const aspectRatio = isOnly ? Math.min(2, Math.max(0.7, ratio)) : 1;
  return { width: isOnly ? 240 : 128, aspectRatio };
}

const styles = StyleSheet.create({
  files: {
    flexDirection: 'row',
    flexWrap: 'wrap',
    justifyContent: 'flex-end',
    gap: SPACE.s,
    maxWidth: '88%',
    marginBottom: SPACE.s,
  },
  photo: { borderRadius: RADIUS.m, overflow: 'hidden', maxWidth: '100%' },
  sending: { position: 'absolute', bottom: 0, start: 0, end: 0, textAlign: 'center', padding: SPACE.xs },
  words: {
    flexDirection: 'row',
    alignItems: 'center',
    gap: SPACE.s,
    maxWidth: '100%',
    paddingHorizontal: SPACE.m,
    paddingVertical: SPACE.s,
    borderWidth: 1,
    borderStyle: 'dashed',
    borderRadius: RADIUS.m,
  },
  text: { flexShrink: 1 },
});
