/** Access tokens as Supabase signs them (ES256), one user each. Owns keys and claims; serves nothing. */
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto';

/** What a process needs to sign tokens: fit for JSON. */
export interface Signer {
  /** By which the key set has the key. */
  readonly keyId: string;
  /** PEM. */
  readonly privateKey: string;
  /** The claim `iss`. */
  readonly issuer: string;
}

const LIFETIME_SECONDS = 7200;

/** A new key, and the key set (JSON) that tells its public half. */
export function newSigner(keyId: string): { readonly privateKey: string; readonly keySet: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = { ...publicKey.export({ format: 'jwk' }), kid: keyId, alg: 'ES256', use: 'sig' };
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    keySet: JSON.stringify({ keys: [key] }),
  };
}

/** @param name of whoever uses them: other names, other users */
export function mintTokens(signer: Signer, name: string, count: number): string[] {
  const key = createPrivateKey(signer.privateKey);
  return Array.from({ length: count }, (_, user) => mint(key, signer, userId(name, user)));
}

function mint(key: KeyObject, { keyId, issuer }: Signer, sub: string): string {
  const issuedAt = Math.floor(Date.now() / 1000);
  const claims = {
    iss: issuer,
    aud: 'authenticated',
    sub,
    iat: issuedAt,
    exp: issuedAt + LIFETIME_SECONDS,
    role: 'authenticated',
    aal: 'aal1',
    session_id: randomUUID(),
    is_anonymous: false,
    app_metadata: { provider: 'email', tier: 'enterprise' },
    user_metadata: {},
  };
  const signed = `${encoded({ alg: 'ES256', kid: keyId, typ: 'JWT' })}.${encoded(claims)}`;
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

function userId(name: string, user: number): string {
  const group = createHash('sha1').update(name).digest('hex').slice(0, 8);
  return `${group}-0000-4000-8000-${user.toString(16).padStart(12, '0')}`;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
