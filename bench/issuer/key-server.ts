/** Stands in for Supabase's key set: the subject fetches the key of our tokens from here, and signs none itself. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newSigner, type Signer } from './tokens.ts';

export interface KeyServer extends AsyncDisposable {
  /** What the relay takes as SUPABASE_URL. */
  readonly url: string;
  /** Of the key that it has now. */
  readonly signer: Signer;
  /** While true it answers 503. */
  failing: boolean;
  /** Has a new key in place of the old one. */
  rotate(): void;
}

export async function startKeyServer(): Promise<KeyServer> {
  let rotations = 0;
  let keyId = 'bench';
  let { privateKey, keySet } = newSigner(keyId);
  const server = createServer((_request, response) => {
    response.statusCode = keys.failing ? 503 : 200;
    response.setHeader('content-type', 'application/json');
    response.end(keys.failing ? '{}' : keySet);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keys: KeyServer = {
    url,
    failing: false,
    get signer() {
      return { keyId, privateKey, issuer: `${url}/auth/v1` };
    },
    rotate() {
      keyId = `bench-${++rotations}`;
      ({ privateKey, keySet } = newSigner(keyId));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return keys;
}
