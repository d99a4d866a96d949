/** Which streams the user has, on whichever device. */
import { useEffect, useState } from 'react';
import type { ListedStream } from '../client/index.ts';
import { useDash } from './dash-provider.tsx';

/**
 * All that the relay lists of the user, newest first, kept up to date while the component is on the screen; undefined until it is known.
 * It holds a connection.
 * @example
 * ```tsx
 * import { useStreams } from '@dash-relay/client/react';
 *
 * export function Live() {
 *   const live = useStreams()?.filter(({ state }) => state === 'live') ?? [];
 *   return <p>{live.length} answers are being written</p>;
 * }
 * ```
 */
export function useStreams(): readonly ListedStream[] | undefined {
  const { client } = useDash();
  const [streams, setStreams] = useState<readonly ListedStream[]>();
  useEffect(() => client.watch(setStreams), [client]);
  return streams;
}
