/** Bytes of uploads in the memory of this process: with it they are gone. */
import type { Shelf } from './local-store.ts';
import type { UploadedFile } from './port.ts';

export class MemoryShelf implements Shelf {
  readonly #contents = new Map<string, Buffer>();

  async found(): Promise<[]> {
    return [];
  }

  async write(userKey: string, { facts, content }: UploadedFile): Promise<void> {
    this.#contents.set(nameOf(userKey, facts.id), content);
  }

  async read(userKey: string, id: string): Promise<Buffer | undefined> {
    return this.#contents.get(nameOf(userKey, id));
  }

  async delete(userKey: string, id: string): Promise<void> {
    this.#contents.delete(nameOf(userKey, id));
  }
}

function nameOf(userKey: string, id: string): string {
  return `${userKey} ${id}`;
}
