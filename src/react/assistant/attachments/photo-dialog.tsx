/** A photo as large as the screen allows. Escape and a press beside it close it; the focus goes back to where it was. */
import { Image, StyleSheet, Text, useWindowDimensions, View } from 'react-native';
import { IconButton } from '../button.tsx';
import { Beside, Overlay } from '../overlay.tsx';
import { RADIUS, SPACE, TOUCH, TYPE } from '../theme.ts';
import { useAssistantTheme } from '../theme-context.tsx';
import { writtenIn } from '../web-props.ts';

export interface LargePhoto {
  readonly uri: string;
  /** Width by height. */
  readonly ratio: number;
  readonly alt: string;
}

export function PhotoDialog({ photo, onClose }: { photo: LargePhoto | undefined; onClose: () => void }) {
  return (
    <Overlay label={photo?.alt} isOpen={photo !== undefined} onClose={onClose}>
      {photo && <PhotoCard photo={photo} onClose={onClose} />}
    </Overlay>
  );
}

/** Of the words below it and what is around it, px. */
const FRAME = 2 * SPACE.l + TOUCH + SPACE.xxl;

function PhotoCard({ photo, onClose }: { photo: LargePhoto; onClose: () => void }) {
  const { colors, strings, direction } = useAssistantTheme();
  const { width, height } = useWindowDimensions();
  const widest = Math.min(width - 2 * SPACE.l, (height - FRAME) * photo.ratio);
  return (
    <View {...writtenIn(direction, [styles.scrim, { backgroundColor: colors.scrim }], strings.locale)}>
      <Beside style={StyleSheet.absoluteFill} onPress={onClose} />
      <View style={[styles.card, { backgroundColor: colors.surface }]}>
        <View style={styles.head}>
          <Text style={[TYPE.label, styles.alt, { color: colors.text }]}>{photo.alt}</Text>
          <IconButton icon="close" label={strings.closePhoto} onPress={onClose} />
        </View>
        <Image
          source={{ uri: photo.uri }}
          alt={photo.alt}
          resizeMode="contain"
          style={{ width: widest, aspectRatio: photo.ratio }}
        />
      </View>
    </View>
  );
}

const styles = StyleSheet.create({
  scrim: { flex: 1, alignItems: 'center', justifyContent: 'center' },
  card: { maxWidth: '100%', borderRadius: RADIUS.m, overflow: 'hidden' },
  head: { flexDirection: 'row', alignItems: 'center', gap: SPACE.s, paddingStart: SPACE.m },
  alt: { flex: 1 },
});
