/** What may be wider than the answer, and is moved sideways then: a shade at an edge says that there is more. */
import { type ReactNode, useState } from 'react';
import {
  type LayoutChangeEvent,
  type NativeScrollEvent,
  type NativeSyntheticEvent,
  ScrollView,
  type StyleProp,
  StyleSheet,
  Text,
  View,
  type ViewStyle,
} from 'react-native';
import { useAssistantTheme } from '../theme-context.tsx';
import { writtenIn } from '../web-props.ts';

interface SidewaysProps {
  /** To screen readers. */
  readonly label: string;
  /** Of what it stands on. */
  readonly background: string;
  readonly style?: StyleProp<ViewStyle>;
  /** Of what it holds, and from which side that is seen first. Default: the assistant's. */
  readonly direction?: 'ltr';
  readonly contentStyle?: StyleProp<ViewStyle>;
  readonly children: ReactNode;
}

interface Extent {
  readonly seen: number;
  readonly whole: number;
  /** How far it has been moved. */
  readonly moved: number;
}

/** Less is not worth a hint, px. */
const LEAST = 8;

export function Sideways({ label, background, style, direction, contentStyle, children }: SidewaysProps) {
  const frame: StyleProp<ViewStyle> = [styles.frame, style];
  const [{ seen, whole, moved }, setExtent] = useState<Extent>({ seen: 0, whole: 0, moved: 0 });
  const measure = (change: Partial<Extent>): void =>
    setExtent((known) => {
      const next = { ...known, ...change };
      return next.seen === known.seen && next.whole === known.whole && next.moved === known.moved
        ? known
        : next;
    });
  const isWider = seen > 0 && whole - seen > LEAST;
  return (
    <View {...(direction ? writtenIn(direction, frame) : { style: frame })}>
      <ScrollView
        horizontal
        role="region"
        aria-label={label}
        tabIndex={isWider ? 0 : -1}
        scrollEventThrottle={100}
        onLayout={({ nativeEvent }: LayoutChangeEvent) =>
          measure({ seen: Math.round(nativeEvent.layout.width) })
        }
        onContentSizeChange={(width: number) => measure({ whole: Math.round(width) })}
        onScroll={({ nativeEvent }: NativeSyntheticEvent<NativeScrollEvent>) =>
          // Browsers count from the right where it begins there, downwards from 0.
          measure({ moved: Math.round(Math.abs(nativeEvent.contentOffset.x)) })
        }
        contentContainerStyle={contentStyle}
      >
        {children}
      </ScrollView>
      {isWider && moved > LEAST && <More edge="start" background={background} within={direction} />}
      {isWider && whole - seen - moved > LEAST && (
        <More edge="end" background={background} within={direction} />
      )}
    </View>
  );
}

interface MoreProps {
  readonly edge: 'start' | 'end';
  readonly background: string;
  readonly within: 'ltr' | undefined;
}

function More({ edge, background, within }: MoreProps) {
  const { colors, direction } = useAssistantTheme();
  const pointsRight = (edge === 'end') === ((within ?? direction) === 'ltr');
  return (
    <View aria-hidden pointerEvents="none" style={[styles.more, edge === 'end' ? styles.end : styles.start]}>
      <View style={[styles.sign, { backgroundColor: background, borderColor: colors.outline }]}>
        <Text style={[styles.arrow, { color: colors.muted }]}>{pointsRight ? '›' : '‹'}</Text>
      </View>
    </View>
  );
}

const styles = StyleSheet.create({
  frame: { minWidth: 0 },
  more: { position: 'absolute', top: 0, bottom: 0, justifyContent: 'center', paddingHorizontal: 2 },
  end: { end: 0 },
  start: { start: 0 },
  sign: {
    width: 22,
    height: 22,
    borderRadius: 11,
    borderWidth: 1,
    alignItems: 'center',
    justifyContent: 'center',
    opacity: 0.92,
  },
  arrow: { fontSize: 16, lineHeight: 19, fontWeight: '600' },
});
