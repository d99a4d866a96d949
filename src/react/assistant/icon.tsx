/** Icons and the logo, drawn of boxes: nothing to load, and the same on every platform. Icons are 20 px square. */
import { StyleSheet, View, type ViewStyle } from 'react-native';
import { useAssistantTheme } from './theme-context.tsx';

export type IconName =
  | 'plus'
  | 'menu'
  | 'close'
  | 'send'
  | 'stop'
  | 'down'
  | 'copy'
  | 'check'
  | 'repeat'
  | 'bin'
  | 'flag'
  | 'pen'
  | 'previous'
  | 'next'
  | 'more'
  | 'save'
  | 'page'
  | 'speak'
  | 'clip'
  | 'camera'
  | 'picture';

const bar = (width: number, height: number, more: ViewStyle = {}): ViewStyle => ({
  position: 'absolute',
  width,
  height,
  left: 10 - width / 2,
  top: 10 - height / 2,
  borderRadius: 1,
  ...more,
});

const turned = (degrees: number, x = 0, y = 0): ViewStyle => ({
  transform: [{ translateX: x }, { translateY: y }, { rotate: `${degrees}deg` }],
});

/** Filled boxes. */
const BARS: Readonly<Record<IconName, readonly ViewStyle[]>> = {
  plus: [bar(14, 2), bar(2, 14)],
  menu: [bar(16, 2, turned(0, 0, -5)), bar(16, 2), bar(16, 2, turned(0, 0, 5))],
  close: [bar(16, 2, turned(45)), bar(16, 2, turned(-45))],
  send: [bar(2, 14, turned(0, 0, 0.5)), bar(9, 2, turned(-45, -2.8, -3.6)), bar(9, 2, turned(45, 2.8, -3.6))],
  stop: [bar(12, 12, { borderRadius: 2.5 })],
  down: [bar(2, 14, turned(0, 0, -0.5)), bar(9, 2, turned(45, -2.8, 3.6)), bar(9, 2, turned(-45, 2.8, 3.6))],
  copy: [],
  check: [bar(7, 2, turned(45, -4, 2)), bar(13, 2, turned(-48, 2.5, 0))],
  repeat: [],
  pen: [bar(3.5, 3.5, { borderRadius: 0.5, ...turned(0, -6.5, 6.5) })],
  flag: [bar(1.5, 16, turned(0, -6)), bar(12, 8, turned(0, 0.5, -4))],
  previous: [bar(9, 2, turned(-45, 0, -2.5)), bar(9, 2, turned(45, 0, 2.5))],
  next: [bar(9, 2, turned(45, 0, -2.5)), bar(9, 2, turned(-45, 0, 2.5))],
  more: [-6, 0, 6].map((x) => bar(3.5, 3.5, { borderRadius: 2, ...turned(0, x) })),
  save: [
    bar(2, 11, turned(0, 0, -2.5)),
    bar(7, 2, turned(45, -2, 0.5)),
    bar(7, 2, turned(-45, 2, 0.5)),
    bar(14, 2, turned(0, 0, 7)),
  ],
  page: [bar(6, 1.9, turned(0, 0, -2)), bar(6, 1.9, turned(0, 0, 2))],
  speak: [bar(4, 6, turned(0, -6))],
  bin: [bar(16, 1.9, turned(0, 0, -4.5)), bar(6, 1.9, turned(0, 0, -6.8))],
  clip: [],
  camera: [bar(6, 2, turned(0, 0, -6))],
  picture: [bar(3, 3, { borderRadius: 1.5, ...turned(0, -3.5, -3) })],
};

/** Outlined boxes. */
const FRAMES: Partial<Record<IconName, readonly ViewStyle[]>> = {
  pen: [bar(16, 6, { borderWidth: 2, borderRadius: 1.5, ...turned(-45, 1, -1) })],
  page: [bar(14, 17, { borderWidth: 1.9, borderRadius: 2.5 })],
  speak: [
    bar(0, 0, {
      borderRadius: 0,
      borderWidth: 6,
      borderLeftWidth: 0,
      borderRightWidth: 7,
      borderTopColor: 'transparent',
      borderBottomColor: 'transparent',
      left: 3,
      top: 4,
    }),
    bar(14, 14, {
      borderWidth: 2,
      borderRadius: 7,
      borderTopColor: 'transparent',
      borderBottomColor: 'transparent',
      borderLeftColor: 'transparent',
      ...turned(0, 1.5),
    }),
  ],
  clip: [
    bar(9, 17, { borderWidth: 1.75, borderRadius: 4.5, ...turned(35, 1, 0) }),
    bar(5, 11, { borderWidth: 1.75, borderTopWidth: 0, borderRadius: 2.5, ...turned(35, 1.6, -1.8) }),
  ],
  camera: [
    bar(18, 13, { borderWidth: 1.75, borderRadius: 3, ...turned(0, 0, 1) }),
    bar(6, 6, { borderWidth: 1.75, borderRadius: 3, ...turned(0, 0, 1.5) }),
  ],
  picture: [
    bar(17, 15, { borderWidth: 1.75, borderRadius: 3 }),
    bar(8, 8, { borderTopWidth: 1.75, borderLeftWidth: 1.75, borderRadius: 1, ...turned(45, 2, 5.5) }),
  ],
  bin: [bar(12, 12, { borderWidth: 1.9, borderTopWidth: 0, borderRadius: 2.5, ...turned(0, 0, 2) })],
  copy: [
    bar(12, 13, { borderWidth: 1.9, borderRadius: 3, ...turned(0, -2, 2) }),
    bar(11, 12, {
      borderTopWidth: 1.9,
      borderRightWidth: 1.9,
      borderTopRightRadius: 3.5,
      ...turned(0, 3, -3),
    }),
  ],
  repeat: [
    bar(14, 14, { borderWidth: 2, borderRadius: 7, borderTopColor: 'transparent', ...turned(45) }),
    bar(0, 0, {
      borderRadius: 0,
      borderWidth: 4.5,
      borderRightWidth: 0,
      borderTopColor: 'transparent',
      borderBottomColor: 'transparent',
      ...turned(0, 0.5, -10.5),
    }),
  ],
};

export function Icon({ name, color, size = 20 }: { name: IconName; color: string; size?: number }) {
  const scale = { transform: [{ scale: size / 20 }] };
  return (
    <View style={[styles.box, { width: size, height: size }]} aria-hidden>
      <View style={[styles.canvas, scale]}>
        {FRAMES[name]?.map((frame, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a drawing does not change
          <View key={at} style={[{ borderColor: color }, frame]} />
        ))}
        {BARS[name].map((box, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a drawing does not change
          <View key={at} style={[box, { backgroundColor: color }]} />
        ))}
      </View>
    </View>
  );
}

/** Dash's logo: a dash that is on its way. */
export function Logo({ size }: { size: number }) {
  const { colors } = useAssistantTheme();
  const stroke = { height: size * 0.11, borderRadius: size * 0.06, backgroundColor: colors.onAccent };
  return (
    <View
      aria-hidden
      style={[
        styles.logo,
        {
          width: size,
          height: size,
          borderRadius: size * 0.3,
          backgroundColor: colors.accent,
          gap: size * 0.09,
        },
      ]}
    >
      <View style={[stroke, { width: size * 0.26, marginStart: size * 0.2, opacity: 0.7 }]} />
      <View style={[stroke, { width: size * 0.5 }]} />
      <View style={[stroke, { width: size * 0.26, marginEnd: size * 0.2, opacity: 0.7 }]} />
    </View>
  );
}

const styles = StyleSheet.create({
  box: { alignItems: 'center', justifyContent: 'center' },
  logo: { alignItems: 'center', justifyContent: 'center' },
  canvas: { width: 20, height: 20 },
});
