/** What only browsers take: react-native-web passes it on, React Native ignores it. */
import { Platform, type StyleProp, type ViewProps, type ViewStyle } from 'react-native';

/** A key was pressed in an element or in what it holds. */
export interface KeyPress {
  readonly key: string;
  readonly shiftKey?: boolean;
  readonly isComposing?: boolean;
  readonly keyCode?: number;
}

interface KeyEvent {
  readonly nativeEvent: KeyPress;
  preventDefault(): void;
}

/** What `keyCode` is while an input method has the keys. */
const INPUT_METHOD = 229;

/**
 * An input method is composing: the key belongs to it. Safari ends the composition before the key that ends it, and
 * only its code still tells.
 */
export function isOfInputMethod({ isComposing, keyCode }: KeyPress): boolean {
  return isComposing === true || keyCode === INPUT_METHOD;
}

/** `handle` answers whether the key is dealt with; the browser then does nothing of its own. */
export function onKeys(handle: (press: KeyPress) => boolean): object {
  const onKeyDown = (event: KeyEvent): void => {
    if (!isOfInputMethod(event.nativeEvent) && handle(event.nativeEvent)) event.preventDefault();
  };
  return { onKeyDown };
}

interface WheelEvent {
  readonly nativeEvent: { readonly deltaY: number; readonly ctrlKey: boolean };
}

/** A wheel, or two fingers, begin to move what lies above into sight; with Ctrl they zoom. */
export function onWheelUp(handle: () => void): object {
  const onWheel = ({ nativeEvent: { deltaY, ctrlKey } }: WheelEvent): void => {
    if (deltaY < 0 && !ctrlKey) handle();
  };
  return { onWheel };
}

/** The rank of a heading. */
export function headingLevel(level: number): object {
  return { 'aria-level': level };
}

/**
 * The direction of a region and all it holds, with its style: a browser's attribute, in React Native a style. `lang`: of its
 * words, by which browsers and screen readers choose fonts and voices.
 */
export function writtenIn(direction: 'ltr' | 'rtl', style: StyleProp<ViewStyle>, lang?: string): ViewProps {
  const web: object = { dir: direction, lang, style };
  return Platform.OS === 'web' ? web : { style: [style, { direction }] };
}

/** Of what holds many views below one another: a browser lays all of a column of columns out where one changes, but not blocks. */
export const stacked: ViewStyle | undefined =
  Platform.OS === 'web' ? ({ display: 'block' } as object) : undefined;
