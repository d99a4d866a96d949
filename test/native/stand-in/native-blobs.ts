/** Bodies kept below JavaScript, as React Native's fetch asks for them, and read as text from there. */
export interface NativeBlob {
  readonly blobId: string;
  readonly offset: number;
  readonly size: number;
  readonly type: string;
}

export class NativeBlobs {
  readonly #texts = new Map<string, string>();
  #ids = 0;

  store(text: string, type: string): NativeBlob {
    this.#ids += 1;
    const blobId = `blob-${this.#ids}`;
    this.#texts.set(blobId, text);
    return { blobId, offset: 0, size: Buffer.byteLength(text), type };
  }

  readonly blobModule = {
    getConstants: () => ({ BLOB_URI_SCHEME: 'content', BLOB_URI_HOST: null }),
    addNetworkingHandler() {},
    addWebSocketHandler() {},
    removeWebSocketHandler() {},
    createFromParts: (parts: readonly { readonly data: string }[], id: string) => {
      this.#texts.set(id, parts.map(({ data }) => data).join(''));
    },
    release: (id: string) => this.#texts.delete(id),
  };

  readonly fileReaderModule = {
    readAsText: async ({ blobId }: NativeBlob) => this.#texts.get(blobId),
  };
}
