/** Draws something long share by share, each when it is its turn; until then there is room for it. */
import { memo, type ReactNode, useLayoutEffect, useState } from 'react';
import { View } from 'react-native';
import { useTurns } from '../turns.tsx';
import { type Measure, Partition, type Share } from './partition.ts';

/** `first`: the number of the first of these parts. */
type Draw<T> = (parts: readonly T[], first: number, hasCaret: boolean) => ReactNode;

interface SharesProps<T> {
  readonly parts: readonly T[];
  /** The same object at each rendering. */
  readonly measure: Measure<T>;
  /** The same function until what is drawn already has to be drawn again. */
  readonly draw: Draw<T>;
  readonly hasCaret: boolean;
  /** Between two parts, px. What holds the shares has none of its own, and is `stacked`. */
  readonly gap?: number;
  readonly role?: 'rowgroup';
  /** It is in no other share, whose turn would be its own where it is short. */
  readonly isOutermost?: boolean;
}

export function Shares<T>({ parts, measure, draw, hasCaret, isOutermost = false, ...view }: SharesProps<T>) {
  const [partition] = useState(() => new Partition(measure));
  const shares = partition.of(parts);
  const isShort = !isOutermost && shares.length === 1;
  return shares.map((share, at) => {
    const isGrowing = hasCaret && at === shares.length - 1;
    return (
      <ShareView
        key={share.first}
        share={share as Share<unknown>}
        draw={draw as Draw<unknown>}
        isNow={isGrowing || isShort}
        hasCaret={isGrowing}
        {...view}
      />
    );
  });
}

interface ShareViewProps extends Pick<SharesProps<unknown>, 'draw' | 'hasCaret' | 'gap' | 'role'> {
  readonly share: Share<unknown>;
  /** It waits for no turn. */
  readonly isNow: boolean;
}

const ShareView = memo(function ShareView({ share, draw, hasCaret, isNow, gap = 0, role }: ShareViewProps) {
  const { parts, first, weight, height } = share;
  const drawNow = useTurn(draw, weight, isNow);
  const marginTop = first > 0 ? gap : 0;
  if (drawNow === undefined) return <View aria-hidden style={{ height, marginTop }} />;
  return (
    <View {...(role && { role })} style={{ gap, marginTop }}>
      {drawNow(parts, first, hasCaret)}
    </View>
  );
});

/** How to draw: as it was when its turn came last; undefined until it comes for the first time. */
function useTurn<D extends Draw<unknown>>(draw: D, weight: number, isNow: boolean): D | undefined {
  const turns = useTurns();
  const [granted, grant] = useState<D | undefined>(() => (isNow ? draw : undefined));
  const isWaiting = granted !== draw;
  useLayoutEffect(() => {
    if (isNow) grant(() => draw);
    return isWaiting && !isNow ? turns.request(weight, () => grant(() => draw)) : undefined;
  }, [isWaiting, isNow, turns, weight, draw]);
  return isNow ? draw : granted;
}
