/** What every part of the assistant draws by: colours, words, direction, and what the device asks for. */
import { createContext, useCallback, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import { AccessibilityInfo, type ImageStyle, Platform, type TextStyle, type ViewStyle } from 'react-native';
import type { AnswerMessage } from '../store/messages.ts';
import type { SafeLink } from './safe-link.ts';
import type { Speaker } from './speech.ts';
import type { AssistantStrings } from './strings.ts';
import type { Palette } from './theme.ts';

export interface AssistantTheme {
  readonly colors: Palette;
  readonly strings: AssistantStrings;
  readonly direction: 'ltr' | 'rtl';
  readonly isWide: boolean;
  readonly reduceMotion: boolean;
  /** Shows where a link leads, and opens it if the person wants to. */
  readonly askToOpen: (link: SafeLink) => void;
  /** Opens the dialog; undefined where the app wants no reports. */
  readonly askToReport: ((answer: AnswerMessage) => void) | undefined;
  /** Undefined where nothing can be copied. */
  readonly copy: ((text: string) => void) | undefined;
  /** It is fingers that press: controls are as large as those need them. */
  readonly isTouched: boolean;
  /** Undefined where nothing can be read aloud. */
  readonly speaker: Speaker | undefined;
}

const ThemeContext = createContext<AssistantTheme | undefined>(undefined);

export const AssistantThemeProvider = ThemeContext;

/** @throws Error outside of the assistant */
export function useAssistantTheme(): AssistantTheme {
  const theme = useContext(ThemeContext);
  if (theme === undefined) throw new Error('unable to draw; this part belongs inside of <DashAssistant>');
  return theme;
}

type Styles<T> = { readonly [K in keyof T]: ViewStyle | TextStyle | ImageStyle };

/** Styles that depend on colours, made once for each palette. */
export function styled<T extends Styles<T>>(make: (colors: Palette) => T): (colors: Palette) => T {
  const made = new WeakMap<Palette, T>();
  return (colors) => {
    const known = made.get(colors);
    if (known) return known;
    const styles = make(colors);
    made.set(colors, styles);
    return styles;
  };
}

export function useReducedMotion(): boolean {
  const [isReduced, setReduced] = useState(false);
  useEffect(() => {
    void AccessibilityInfo.isReduceMotionEnabled().then(setReduced);
    const subscription = AccessibilityInfo.addEventListener('reduceMotionChanged', setReduced);
    return () => subscription?.remove(); // browsers without media queries give none
  }, []);
  return isReduced;
}

interface MediaQuery {
  readonly matches: boolean;
  addEventListener(type: 'change', listener: () => void): void;
  removeEventListener(type: 'change', listener: () => void): void;
}
interface PointerGlobals {
  readonly matchMedia?: (query: string) => MediaQuery;
}

/** Always in apps; in browsers where a finger is the first pointer of the device. */
export function useIsTouched(): boolean {
  const [query] = useState(() => {
    if (Platform.OS !== 'web') return undefined;
    return (globalThis as PointerGlobals).matchMedia?.('(pointer: coarse)');
  });
  const subscribe = useCallback(
    (listener: () => void) => {
      query?.addEventListener('change', listener);
      return () => query?.removeEventListener('change', listener);
    },
    [query],
  );
  const read = (): boolean => (Platform.OS === 'web' ? query?.matches === true : true);
  return useSyncExternalStore(subscribe, read, read);
}
