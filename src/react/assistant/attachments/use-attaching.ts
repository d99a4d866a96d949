/** Choosing, dropping and pasting files for the next question of a conversation, within what may be attached. */
import { useCallback, useEffect, useMemo, useState } from 'react';
import { browserFiles } from '../../photos/browser-files.ts';
import { type ChosenFile, UnusableFile } from '../../store/attachment.ts';
import { type PendingAttachments, useAttachments } from '../../use-attachments.ts';
import { useAssistantTheme } from '../theme-context.tsx';
import { type AttachmentOptions, mostOf, type Source, sourcesOf } from './attachment-options.ts';
import { useTakesUploads } from './use-takes-uploads.ts';

export interface Attaching {
  readonly files: PendingAttachments;
  /** Ways to choose; empty where nothing can be attached. */
  readonly sources: readonly Source[];
  /** What the person has to be told of the last try; '' for nothing. */
  readonly notice: string;
  readonly choose: (source: Source) => void;
  /** Files of a drop or the clipboard; undefined where nothing can be attached. */
  readonly onFiles: ((files: readonly File[]) => void) | undefined;
}

/** `wanted` undefined: nothing can be attached. */
export function useAttaching(conversation: string, wanted: AttachmentOptions | undefined): Attaching {
  const { strings, isTouched } = useAssistantTheme();
  const isPossible = wanted !== undefined && sourcesOf(wanted, strings, isTouched).length > 0;
  const options = useTakesUploads(isPossible) ? wanted : undefined;
  const files = useAttachments(conversation);
  const [notice, setNotice] = useState('');
  const { add } = files;
  const room = options === undefined ? 0 : mostOf(options) - files.list.length;
  const sources = useMemo(
    () => (options === undefined ? [] : sourcesOf(options, strings, isTouched)),
    [options, strings, isTouched],
  );
  const isFull = options !== undefined && room <= 0 ? strings.tooManyFiles(mostOf(options)) : '';
  const take = useCallback(
    (chosen: readonly ChosenFile[]) => {
      add(chosen.slice(0, room));
      setNotice(chosen.length > room && options ? strings.tooManyFiles(mostOf(options)) : '');
    },
    [add, room, options, strings],
  );
  const choose = useCallback(
    (source: Source) => {
      if (isFull !== '') {
        setNotice(isFull);
        return;
      }
      source.choose(room).then(take, (error: unknown) => {
        setNotice(strings.fileProblems[error instanceof UnusableFile ? error.problem : 'damaged']);
      });
    },
    [isFull, room, take, strings],
  );
  const onFiles = useMemo(
    () => options && ((dropped: readonly File[]) => take(browserFiles(dropped, options.documents))),
    [options, take],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: it was said of another conversation
  useEffect(() => setNotice(''), [conversation]);
  return useMemo(
    () => ({ files, sources, notice, choose, onFiles }),
    [files, sources, notice, choose, onFiles],
  );
}
