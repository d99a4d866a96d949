/** Stands in for Supabase's key set: the subject fetches the key of our tokens from here, and signs none itself. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newSigner, type Signer } from './tokens.ts';

export interface KeyServer extends AsyncDisposable {
  /** What the relay takes as SUPABASE_URL. */
  readonly url: string;
  readonly signer: Signer;
}

export async function startKeyServer(): Promise<KeyServer> {
  const { privateKey, keySet } = newSigner();
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(keySet);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    signer: { privateKey, issuer: `${url}/auth/v1` },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
