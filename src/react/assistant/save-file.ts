/** Hands an exported conversation to the person: a download in browsers, the sheet for sharing in apps. */
import { Platform, Share } from 'react-native';
import type { ExportedFile } from '../store/markdown-export.ts';

interface Anchor {
  href: string;
  download: string;
  click(): void;
}
interface DownloadGlobals {
  readonly document: { createElement(name: 'a'): Anchor };
}

/** An address of a download is given back once browsers surely have it, ms. */
const KEPT_MS = 60_000;

export function saveFile(file: ExportedFile): void {
  if (Platform.OS === 'web') download(file);
  else void Share.share({ title: file.name, message: file.text }).catch(() => {}); // dismissed
}

function download({ name, text }: ExportedFile): void {
  const { document } = globalThis as unknown as DownloadGlobals;
  const href = URL.createObjectURL(new Blob([text], { type: 'text/markdown;charset=utf-8' }));
  Object.assign(document.createElement('a'), { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), KEPT_MS);
}
