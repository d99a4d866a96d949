/** Files that are dropped on an element of a browser, or pasted in it. */
import { type RefObject, useEffect, useState } from 'react';
import { Platform } from 'react-native';

/** Whether files are being dragged over it now. `onFiles` undefined: it takes none. */
export function useFileTargets(
  target: RefObject<object | null>,
  onFiles: ((files: readonly File[]) => void) | undefined,
): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    if (Platform.OS !== 'web' || onFiles === undefined || target.current === null) return;
    const element = target.current as HTMLElement;
    const listening = new AbortController();
    const { signal } = listening;
    const onDrag = (event: DragEvent): void => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault(); // else the browser would open the file instead of the page
      setOver(true);
    };
    const onLeave = ({ relatedTarget }: DragEvent): void => {
      if (!element.contains(relatedTarget as Node | null)) setOver(false);
    };
    const onDrop = (event: DragEvent): void => {
      setOver(false);
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      onFiles(files);
    };
    const onPaste = (event: ClipboardEvent): void => {
      const files = [...(event.clipboardData?.files ?? [])];
      // Office programs add a picture of the text that was copied.
      if (files.length === 0 || event.clipboardData?.types.includes('text/plain')) return;
      event.preventDefault();
      onFiles(files);
    };
    element.addEventListener('dragenter', onDrag, { signal });
    element.addEventListener('dragover', onDrag, { signal });
    element.addEventListener('dragleave', onLeave, { signal });
    element.addEventListener('drop', onDrop, { signal });
    element.addEventListener('paste', onPaste, { signal });
    return () => listening.abort();
  }, [target, onFiles]);
  return isOver;
}
