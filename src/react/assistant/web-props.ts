/** What only browsers take: react-native-web passes it on, React Native ignores it. */
import type { RefObject } from 'react';
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
  stopPropagation(): void;
}

/** Of a field in which one types: react-native-web hands over the browser's event. */
export interface InputKeyEvent {
  readonly nativeEvent: KeyPress;
  preventDefault?(): void;
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

/** `handle` answers whether the key is dealt with; the browser, and what is around it, then do nothing of their own. */
export function onKeys(handle: (press: KeyPress) => boolean): object {
  const onKeyDown = (event: KeyEvent): void => {
    if (isOfInputMethod(event.nativeEvent) || !handle(event.nativeEvent)) return;
    event.preventDefault();
    event.stopPropagation();
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

/** A finger begins and ends to touch; apps tell of it by dragging. */
export function onTouches(begin: () => void, end: () => void): object {
  return Platform.OS === 'web' ? { onTouchStart: begin, onTouchEnd: end, onTouchCancel: end } : {};
}

/** An attribute by which a browser's style sheet, or `stepsThrough`, finds an element. */
export function marked(name: string): object {
  return Platform.OS === 'web' ? { dataSet: { [name]: '' } } : {};
}

interface PageElement {
  focus(): void;
  querySelectorAll(selector: string): Iterable<PageElement>;
}
interface FocusGlobals {
  readonly document?: { readonly activeElement: PageElement | null; readonly body: PageElement };
}

/** The element that has the focus; undefined in React Native. */
export function focused(): PageElement | null | undefined {
  return (globalThis as FocusGlobals).document?.activeElement;
}

/** What had it is gone. */
export function isNothingFocused(): boolean {
  const { document } = globalThis as FocusGlobals;
  return document !== undefined && [null, document.body].includes(document.activeElement);
}

/** For `onKeys`: arrows up and down, Home and End lead through what fits `selector`, while one of these has the focus. */
export function stepsThrough(within: RefObject<object | null>, selector: string) {
  return ({ key }: KeyPress): boolean => {
    const region = within.current as Partial<PageElement> | null;
    const all = [...(region?.querySelectorAll?.(selector) ?? [])];
    const now = focused();
    const at = now ? all.indexOf(now) : -1;
    if (at < 0) return false;
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: Math.min(at + 1, all.length - 1),
      ArrowUp: Math.max(at - 1, 0),
      Home: 0,
      End: all.length - 1,
    };
    const next = steps[key];
    if (next === undefined) return false;
    all[next]?.focus();
    return true;
  };
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

/**
 * The direction of a field: that of what is typed, and while it is empty, for the sake of its placeholder, that of its place.
 * React Native sees to it by itself.
 */
export function typedIn(text: string, direction: 'ltr' | 'rtl'): object {
  return { dir: text === '' ? direction : 'auto' };
}

/** Into a field of a browser; React Native does it by itself. */
export function putCursor(field: object | null, at: number): void {
  (field as { setSelectionRange?(start: number, end: number): void } | null)?.setSelectionRange?.(at, at);
}

/** Browsers that know it let a field grow with its text, as apps do by themselves; what is around it shows the focus. */
export const growing = { fieldSizing: 'content', outlineStyle: 'none' } as object;

/** Of what holds many views below one another: a browser lays all of a column of columns out where one changes, but not blocks. */
export const stacked: ViewStyle | undefined =
  Platform.OS === 'web' ? ({ display: 'block' } as object) : undefined;
