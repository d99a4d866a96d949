/**
 * Bytes of uploads in a directory (UPLOADS_DIR), each in a file that its owner alone may read, below a name that stands for the
 * user and says nothing of who it is. A file begins with its facts, so that the next process finds what this one left.
 */
import { hash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Upload } from '../protocol/frames.ts';
import type { Shelf } from './local-store.ts';
import { FACTS_BYTES, factsIn, packed, unpacked } from './packed-file.ts';
import type { UploadedFile } from './port.ts';

const USER_KEY = /^[0-9a-f]{32}$/;
const UPLOAD_ID = /^[A-Za-z0-9_-]{1,64}$/;
/** One that is being written: found at a start, nobody goes on with it. */
const UNFINISHED = '.part';

/** What a user is called there. */
export function directoryKey(userId: string): string {
  return hash('sha256', userId).slice(0, 32);
}

export class DirectoryShelf implements Shelf {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws Error where the directory cannot be made or read */
  async found(): Promise<readonly { readonly userKey: string; readonly facts: Upload }[]> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const found: { readonly userKey: string; readonly facts: Upload }[] = [];
    for (const userKey of (await readdir(this.#directory)).filter((name) => USER_KEY.test(name))) {
      const own = await this.#foundOf(userKey);
      if (own.length === 0) await rmdir(join(this.#directory, userKey)); // it stands for somebody
      found.push(...own.map((facts) => ({ userKey, facts })));
    }
    return found;
  }

  async #foundOf(userKey: string): Promise<readonly Upload[]> {
    const found: Upload[] = [];
    for (const name of await readdir(join(this.#directory, userKey))) {
      const path = join(this.#directory, userKey, name);
      const facts = UPLOAD_ID.test(name) ? await factsAt(path) : undefined;
      if (facts === undefined) await rm(path, { force: true });
      else found.push(facts);
    }
    return found;
  }

  async write(userKey: string, file: UploadedFile): Promise<void> {
    const path = this.#pathOf(userKey, file.facts.id);
    await mkdir(join(this.#directory, userKey), { recursive: true, mode: 0o700 });
    try {
      await writeFile(path + UNFINISHED, packed(file), { mode: 0o600 });
      await rename(path + UNFINISHED, path);
    } catch (cause) {
      await rm(path + UNFINISHED, { force: true });
      throw cause;
    }
  }

  async read(userKey: string, id: string): Promise<Buffer | undefined> {
    try {
      return unpacked(await readFile(this.#pathOf(userKey, id)))?.content;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw cause;
    }
  }

  async delete(userKey: string, id: string): Promise<void> {
    await rm(this.#pathOf(userKey, id), { force: true });
  }

  /**
   * All of a user with the name that stands for them, beside the relay whose directory it is: there they are gone, and count until
   * their time.
   * @returns how many files it were
   */
  async deleteAll(userKey: string): Promise<number> {
    const own = join(this.#directory, userKey);
    const names = await readdir(own).catch(noneWhereAbsent);
    await rm(own, { recursive: true, force: true });
    return names.length;
  }

  #pathOf(userKey: string, id: string): string {
    return join(this.#directory, userKey, id);
  }
}

function noneWhereAbsent(cause: NodeJS.ErrnoException): [] {
  if (cause.code === 'ENOENT') return [];
  throw cause;
}

/** Undefined where the file is none of ours, or was cut. */
async function factsAt(path: string): Promise<Upload | undefined> {
  const file = await open(path);
  try {
    const head = Buffer.alloc(FACTS_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    return factsIn(head.subarray(0, bytesRead), (await file.stat()).size);
  } finally {
    await file.close();
  }
}
