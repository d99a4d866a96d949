/** Whether the relay takes files at all: the operator may have switched that off. */
import { useEffect, useState } from 'react';
import type { DashClient } from '../../../client/index.ts';
import { useDash } from '../../dash-provider.tsx';

/** Asked only where `isWanted`, as soon as somebody is signed in. True until the relay says that it takes none. */
export function useTakesUploads(isWanted: boolean): boolean {
  const { client } = useDash();
  const [areTaken, setTaken] = useState(true);
  useEffect(() => {
    if (!isWanted) return;
    const leaving = new AbortController();
    const { signal } = leaving;
    const stopListening = client.onUser((userId) => {
      if (userId !== null) askWhetherTaken(client, signal).then(setTaken, () => {}); // not answered: uploads say it themselves
    });
    return () => {
      stopListening();
      leaving.abort();
    };
  }, [client, isWanted]);
  return areTaken;
}

async function askWhetherTaken(client: DashClient, signal: AbortSignal): Promise<boolean> {
  const reply = await client.request('/v1/config', { signal });
  const config = 'response' in reply ? await reply.response.json() : undefined;
  return (config as { uploads?: boolean } | undefined)?.uploads !== false;
}
