/** What only browsers take: react-native-web passes it on, React Native ignores it. */
import { Platform, type StyleProp, type ViewProps, type ViewStyle } from 'react-native';

/** A key was pressed in an element or in what it holds. */
export interface KeyPress {
  readonly key: string;
  readonly shiftKey?: boolean;
  /** An input method is composing: the key belongs to it. */
  readonly isComposing?: boolean;
}

interface KeyEvent {
  readonly nativeEvent: KeyPress;
  preventDefault(): void;
}

/** `heed` answers whether the key is dealt with; the browser then does nothing of its own. */
export function onKeys(heed: (press: KeyPress) => boolean): object {
  const onKeyDown = (event: KeyEvent): void => {
    if (heed(event.nativeEvent)) event.preventDefault();
  };
  return { onKeyDown };
}

/** The rank of a heading. */
export function headingLevel(level: number): object {
  return { 'aria-level': level };
}

/** The direction of a region and all it holds, with its style: a browser's attribute, in React Native a style. */
export function writtenIn(direction: 'ltr' | 'rtl', style: StyleProp<ViewStyle>): ViewProps {
  const web: object = { dir: direction, style };
  return Platform.OS === 'web' ? web : { style: [style, { direction }] };
}
