/** The development issuer's signing key: one file in DATA_DIR, so that tokens outlive restarts of the relay. */
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CryptoKey } from 'jose';
import { exportJWK } from 'jose/key/export';
import { generateKeyPair } from 'jose/key/generate/keypair';
import { importJWK } from 'jose/key/import';

const FILE = 'development-key.json';
const ALGORITHM = 'ES256';

export interface DevelopmentKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  /** As a key set shows it. */
  readonly publicJwk: Readonly<Record<string, unknown>>;
}

/**
 * Reads the key, or makes one where there is none.
 * @throws Error that names the file and what to do about it.
 */
export async function loadDevelopmentKey(dataDir: string): Promise<DevelopmentKey> {
  const file = join(dataDir, FILE);
  const text = (await readIfThere(file)) ?? (await create(dataDir, file));
  try {
    return await parse(text);
  } catch (cause) {
    throw new Error(`${file} holds no usable signing key; delete it and start again to get a new one`, {
      cause,
    });
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw new Error(`${file} cannot be read; check its owner and mode`, { cause: error });
  }
}

/** Whole or not at all, and never over the key of another process: written aside, then linked to its name. */
async function create(dataDir: string, file: string): Promise<string> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const text = JSON.stringify({ ...(await exportJWK(privateKey)), kid: crypto.randomUUID(), alg: ALGORITHM });
  const aside = `${file}.${crypto.randomUUID()}`;
  try {
    await mkdir(dataDir, { recursive: true });
    await writeFile(aside, text, { mode: 0o600, flag: 'wx' });
    await link(aside, file);
    return text;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return await readFile(file, 'utf8');
    throw new Error(`${file} cannot be written; check that DATA_DIR is a directory the relay owns`, {
      cause: error,
    });
  } finally {
    await rm(aside, { force: true });
  }
}

async function parse(text: string): Promise<DevelopmentKey> {
  const { kid, kty, crv, x, y, d } = JSON.parse(text) as Record<string, unknown>;
  if (![kid, x, y, d].every((member) => typeof member === 'string')) throw new Error('a member is missing');
  const publicJwk = { kty, crv, x, y, kid, alg: ALGORITHM, use: 'sig' };
  const privateKey = await importJWK(
    { kty: 'EC', crv: String(crv), x: String(x), y: String(y), d: String(d) },
    ALGORITHM,
  );
  return { kid: String(kid), privateKey, publicJwk };
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
