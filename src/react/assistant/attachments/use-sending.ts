/** Sends a question once all that goes with it is ready. */
import { useEffect, useState } from 'react';
import type { PendingAttachments } from '../../use-attachments.ts';
import { useAssistantTheme } from '../theme-context.tsx';

export interface Sending {
  /** There is something to ask. */
  readonly canSend: boolean;
  /** What is said of it; '' for nothing. */
  readonly note: string;
  /** It is sent by itself before long. */
  readonly isWaiting: boolean;
  readonly send: () => void;
  readonly stopWaiting: () => void;
}

/** `ask` answers whether it was asked. A photo alone is a question too: it gets words. */
export function useSending(
  conversation: string,
  text: string,
  { list }: PendingAttachments,
  ask: (text: string) => boolean,
): Sending {
  const { strings } = useAssistantTheme();
  const [wanted, setWanted] = useState<string>();
  const isWanted = wanted === conversation;
  const hasFailed = list.some(({ status }) => status === 'failed');
  const isReady = list.every(({ status }) => status === 'ready');
  const isWaiting = isWanted && !isReady && !hasFailed;
  const sendNow = (): void => {
    setWanted(undefined);
    ask(text.trim() === '' && list.length > 0 ? strings.askAboutFiles : text);
  };
  useEffect(() => {
    if (isWanted && isReady) sendNow();
    if (isWanted && hasFailed) setWanted(undefined);
  });
  return {
    canSend: (text.trim() !== '' || list.length > 0) && !hasFailed && !isWaiting,
    note: hasFailed ? strings.removeFailed : isWaiting ? strings.sendsWhenReady : '',
    isWaiting,
    send: () => {
      if (hasFailed) return;
      if (isReady) sendNow();
      else setWanted(conversation);
    },
    stopWaiting: () => setWanted(undefined),
  };
}
