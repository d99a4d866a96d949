/** Keeps the end of a transcript in sight while its reader is there, and says what is new to one who is not. */
import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from 'react';
import {
  type LayoutChangeEvent,
  type NativeScrollEvent,
  type NativeSyntheticEvent,
  Platform,
} from 'react-native';
import { atEndOf, type ScrollReading, staysAtEnd } from './scroll-anchor.ts';
import { isSelectedIn } from './steady-text.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { onTouches, onWheelUp } from './web-props.ts';

interface Scroller {
  scrollToEnd(options: { animated: boolean }): void;
  getScrollableNode?(): ScrollElement | number | null;
}
interface ScrollElement {
  readonly scrollHeight: number;
  readonly clientHeight: number;
  focus(): void;
  querySelector(selector: string): object | null;
}

/** `question`: a new one leads to the end, wherever the person was. `isGrowing`: what is added is text of an answer. */
export function useScrollAnchor(question: string | undefined, isGrowing: boolean) {
  const { reduceMotion } = useAssistantTheme();
  const scroller = useRef<Scroller>(null);
  const reading = useRef<ScrollReading>(undefined);
  const contentHeight = useRef(0);
  const anchored = useRef(true);
  const isHeld = useRef(false);
  const asked = useRef(question);
  const [isAtEnd, setAtEnd] = useState(true);
  const [hasNew, setNew] = useState(false);
  const anchor = (now: boolean): void => {
    anchored.current = now;
    setAtEnd(now);
    if (now) setNew(false);
  };
  const scrollToEnd = (animated: boolean): void => scroller.current?.scrollToEnd({ animated });
  const follow = (): void => {
    if (!anchored.current || isHeld.current) return;
    const element = elementOf(scroller.current);
    if (isSelectedIn(element)) return;
    // The keyboard has led somebody to a link or a button in here: it stays where it is.
    const isReadInside =
      element?.querySelector(':focus-visible') && element.scrollHeight > element.clientHeight;
    if (isReadInside) anchor(false);
    else scrollToEnd(false);
  };
  // In a browser before it is seen: sizes are told a frame later, by which all would have moved down and back.
  useLayoutEffect(() => {
    if (Platform.OS === 'web') follow();
  });
  const hold = (isNow: boolean) => () => {
    isHeld.current = isNow;
  };
  const focus = useCallback(() => elementOf(scroller.current)?.focus(), []);
  return {
    scroller: scroller as RefObject<never>,
    isAtEnd,
    /** Something was added below since the reader has left the end. */
    hasNew,
    /** Gives the transcript itself the focus, in browsers. */
    focus,
    jump() {
      anchor(true);
      scrollToEnd(!reduceMotion);
    },
    scrolling: {
      onScroll({ nativeEvent }: NativeSyntheticEvent<NativeScrollEvent>) {
        const { contentOffset, contentSize, layoutMeasurement } = nativeEvent;
        const next = {
          offset: contentOffset.y,
          contentHeight: contentSize.height,
          viewHeight: layoutMeasurement.height,
        };
        anchor(staysAtEnd(anchored.current, reading.current, next));
        reading.current = next;
      },
      // Fingers are on it: what they do is not undone by text that arrives.
      onScrollBeginDrag: hold(true),
      onScrollEndDrag: hold(false),
      ...onTouches(hold(true), hold(false)),
      onContentSizeChange(_width: number, height: number) {
        if (asked.current !== question) anchor(true);
        asked.current = question;
        follow();
        if (isGrowing && !anchored.current && height > contentHeight.current) setNew(true);
        contentHeight.current = height;
        // Browsers move at once, apps later; there a finger says who moves.
        if (anchored.current && reading.current && Platform.OS === 'web')
          reading.current = atEndOf(height, reading.current.viewHeight);
      },
      onLayout(_event: LayoutChangeEvent) {
        follow();
      },
      ...onWheelUp(() => {
        const { contentHeight = 0, viewHeight = 0 } = reading.current ?? {};
        if (contentHeight > viewHeight) anchor(false);
      }),
    },
  };
}

/** Undefined in React Native. */
function elementOf(scroller: Scroller | null): ScrollElement | null {
  const node = Platform.OS === 'web' ? scroller?.getScrollableNode?.() : null;
  return typeof node === 'object' ? node : null;
}
