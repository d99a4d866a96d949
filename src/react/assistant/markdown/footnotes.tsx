/** Leads from the mark of a footnote to the note and back, within an answer. Only browsers can lead to a place in a text. */
import {
  createContext,
  type ReactNode,
  type RefObject,
  useContext,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { Platform } from 'react-native';

interface Place {
  focus(options: { preventScroll: boolean }): void;
  scrollIntoView(options: { block: 'nearest' }): void;
}

type Side = 'mark' | 'note';

class Footnotes {
  /** Of each note its marks, in the order in which they came, or the note itself. */
  readonly #places = new Map<string, Place[]>();
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** @returns what takes it out */
  add(side: Side, label: string, place: Place): () => void {
    const key = keyOf(side, label);
    this.#set(key, [...(this.#places.get(key) ?? []), place]);
    return () =>
      this.#set(
        key,
        (this.#places.get(key) ?? []).filter((each) => each !== place),
      );
  }

  has(side: Side, label: string): boolean {
    return this.#first(side, label) !== undefined;
  }

  goTo(side: Side, label: string): void {
    const place = this.#first(side, label);
    place?.focus({ preventScroll: true });
    place?.scrollIntoView({ block: 'nearest' });
  }

  #first(side: Side, label: string): Place | undefined {
    return this.#places.get(keyOf(side, label))?.[0];
  }

  #set(key: string, places: Place[]): void {
    this.#places.set(key, places);
    for (const listener of [...this.#listeners]) listener();
  }
}

const keyOf = (side: Side, label: string): string => `${side} ${label}`;

const FootnotesContext = createContext<Footnotes | undefined>(undefined);

/** Around an answer: labels of another one are others. */
export function FootnotesProvider({ children }: { children: ReactNode }) {
  const [footnotes] = useState(() => new Footnotes());
  return <FootnotesContext value={footnotes}>{children}</FootnotesContext>;
}

interface FootnoteEnd {
  /** Of the element that is the mark or the note. */
  readonly element: RefObject<never>;
  /** Leads to the other side; undefined while that is not there. */
  readonly go: (() => void) | undefined;
}

const NEVER = (): (() => void) => () => {};

export function useFootnote(side: Side, label: string): FootnoteEnd {
  const footnotes = useContext(FootnotesContext);
  const element = useRef<Place>(null);
  const other = side === 'mark' ? 'note' : 'mark';
  const has = (): boolean => footnotes?.has(other, label) ?? false;
  const isLed = useSyncExternalStore(footnotes?.subscribe ?? NEVER, has, has);
  useEffect(() => {
    const place = element.current;
    return Platform.OS === 'web' && place ? footnotes?.add(side, label, place) : undefined;
  }, [footnotes, side, label]);
  return {
    element: element as RefObject<never>,
    go: isLed ? () => footnotes?.goTo(other, label) : undefined,
  };
}
