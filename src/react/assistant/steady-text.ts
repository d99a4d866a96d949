/** Keeps a growing answer as it is while somebody selects in it: text that is drawn anew would lose the selection. */
import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { Platform } from 'react-native';

interface Selection {
  readonly isCollapsed: boolean;
  containsNode(node: object, partly: boolean): boolean;
}
interface SelectionDocument {
  getSelection(): Selection | null;
  addEventListener(type: 'selectionchange', listener: () => void): void;
  removeEventListener(type: 'selectionchange', listener: () => void): void;
}

const { document } = globalThis as { document?: SelectionDocument };

/** Whether some of what an element holds is selected. In React Native the device sees to selections itself. */
export function isSelectedIn(element: object | null): boolean {
  if (Platform.OS !== 'web' || element === null) return false;
  const selection = document?.getSelection();
  return selection ? !selection.isCollapsed && selection.containsNode(element, true) : false;
}

/** `next`, or what it was when a selection in the element began, until that is gone or another message takes its place. */
export function useSteady<T extends { readonly id: string }>(
  next: T,
  isGrowing: boolean,
  element: RefObject<object | null>,
): T {
  const [held, setHeld] = useState<T>();
  const latest = useRef(next);
  useLayoutEffect(() => {
    latest.current = next;
  });
  const isHeld = held?.id === next.id;
  const shown = latest.current;
  // Before it is drawn: browsers tell of a selection later, and text may come in between.
  if (!isHeld && shown !== next && shown.id === next.id && isSelectedIn(element.current)) setHeld(shown);
  const listens = isGrowing || held !== undefined;
  useEffect(() => {
    if (!listens || Platform.OS !== 'web') return;
    const check = (): void => {
      const { current } = latest;
      const isSelected = isSelectedIn(element.current);
      setHeld((before) => (isSelected ? (before?.id === current.id ? before : current) : undefined));
    };
    document?.addEventListener('selectionchange', check);
    return () => document?.removeEventListener('selectionchange', check);
  }, [listens, element]);
  return isHeld ? held : next;
}
