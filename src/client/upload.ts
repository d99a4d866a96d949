/**
 * `@dash-relay/client/upload`: hands the relay a photo or a PDF before a question is asked about it, so that the question
 * itself stays small. Orienting, scaling and compressing it is the app's part: what leaves here is the file as it was given.
 */

import type { Upload } from '../protocol/frames.ts';
import { boundedMs } from '../protocol/retry-after.ts';
import type { DashClient } from './create-dash-client.ts';
import { DashError, type Failure, failure } from './dash-error.ts';
import { type Fetch, type FetchResponse, mintStreamId } from './platform.ts';
import type { Refusal } from './relay-http.ts';

export type { Upload };

/** `uri`: of a file on the device, as React Native's pickers give it. */
export type UploadFile = Blob | ArrayBuffer | Uint8Array | { readonly uri: string };

export interface UploadOptions {
  /** Ends it: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Bytes that have left, and bytes in all; where the platform can tell (XMLHttpRequest). Begins anew with each attempt. */
  readonly onProgress?: ((sent: number, total: number) => void) | undefined;
  /** How long to try to reach the relay, ms, beside the time that the file takes. Default 30,000. */
  readonly contactMs?: number | undefined;
}

const PATH = '/v1/uploads';
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/**
 * Sends a file and resolves with its id, for a block `{ type: 'image', source: { type: 'upload', id } }` of a message (a PDF:
 * `type: 'document'`). The relay deletes it when the answer has ended, and at `expiresAt`. An attempt whose answer was lost
 * is made again, and is the same upload to the relay.
 * @throws DashError as the relay refuses it (`too_large`, `unsupported`, `too_many_uploads` …, with `reason`), or
 *   `unreachable`
 * @example
 * ```ts
 * import { upload } from '@dash-relay/client/upload';
 *
 * const photo = await fetch('/photo.jpg').then((response) => response.blob());
 * const { id } = await upload(client, photo, { onProgress: (sent, total) => show(`${sent} of ${total}`) });
 * client.stream({
 *   action: 'chat',
 *   messages: [
 *     {
 *       role: 'user',
 *       content: [
 *         { type: 'image', source: { type: 'upload', id } },
 *         { type: 'text', text: 'How do I solve number 3?' },
 *       ],
 *     },
 *   ],
 * });
 * ```
 */
export async function upload(
  client: Pick<DashClient, 'request'>,
  file: UploadFile,
  options: UploadOptions = {},
): Promise<Upload> {
  const { signal, contactMs = 30_000 } = options;
  const body = await bodyOf(file);
  const init = {
    method: 'POST',
    headers: {
      'content-type': (body instanceof ArrayBuffer ? '' : body.type) || 'application/octet-stream',
      'idempotency-key': mintStreamId(),
    },
    body,
    ...(signal && { signal }),
  };
  let spentMs = 0;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    endWhereAborted(signal);
    const reply = await client.request(PATH, init, senderOf(options)).catch(() => ({}) as Refusal);
    endWhereAborted(signal);
    const answer = 'response' in reply ? await uploadIn(reply.response) : reply.error;
    if (answer && 'id' in answer) return answer;
    const least = boundedMs(answer?.retryAfterMs, contactMs);
    spentMs += least + waitMs;
    if (answer && !isWorthAnother(answer)) throw new DashError(answer);
    if (spentMs > contactMs) throw new DashError(answer ?? failure('unreachable', true));
    await wait(least + Math.random() * waitMs, signal);
  }
}

/**
 * Has the relay forget a file that no question was asked about: a photo that was taken out again. Never rejects: what cannot
 * be told is deleted by its time.
 * @example
 * ```ts
 * import { removeUpload } from '@dash-relay/client/upload';
 *
 * await removeUpload(client, 'id of an upload');
 * ```
 */
export async function removeUpload(client: Pick<DashClient, 'request'>, id: string): Promise<void> {
  await client.request(`${PATH}/${id}`, { method: 'DELETE' }).catch(() => {});
}

/**
 * The same of all files of the user's that wait for a question: before an app signs its user out.
 * @example
 * ```ts
 * import { removeUploads } from '@dash-relay/client/upload';
 *
 * await removeUploads(client);
 * client.signOut();
 * ```
 */
export async function removeUploads(client: Pick<DashClient, 'request'>): Promise<void> {
  await client.request(PATH, { method: 'DELETE' }).catch(() => {});
}

/** By hand: signals of older releases of React Native have neither `throwIfAborted` nor a reason. */
function endWhereAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason ?? new DashError(failure('closed'));
}

/** Bytes that are changed afterwards are not what was sent: another attempt sends the same. */
async function bodyOf(file: UploadFile): Promise<Blob | ArrayBuffer> {
  if ('uri' in file) return (await fetch(file.uri)).blob();
  if (file instanceof ArrayBuffer) return file.slice(0);
  return ArrayBuffer.isView(file) ? (file.slice().buffer as ArrayBuffer) : file;
}

/** That the user has too many is for people to change, and so is a file. */
function isWorthAnother({ code, retryable }: Failure): boolean {
  return retryable && code !== 'too_many_uploads';
}

/** Undefined: not the relay's. */
async function uploadIn(response: FetchResponse): Promise<Upload | undefined> {
  try {
    const answer = (await response.json()) as Partial<Upload>;
    return typeof answer.id === 'string' && typeof answer.expiresAt === 'number'
      ? (answer as Upload)
      : undefined;
  } catch {
    return undefined;
  }
}

async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
}

/** `fetch` tells nothing of what has left; undefined: the client's own way will do. */
function senderOf({ onProgress }: UploadOptions): Fetch | undefined {
  const { XMLHttpRequest: Sender } = globalThis as { XMLHttpRequest?: new () => ProgressRequest };
  if (!onProgress || !Sender) return undefined;
  return (url, { method = 'POST', headers = {}, body, signal }) =>
    new Promise((resolve, reject) => {
      const request = new Sender();
      const failed = (): void => reject(new TypeError('failed to send'));
      request.open(method, url);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded, total }) => onProgress(loaded, total);
      request.onload = () => resolve(responseOf(request));
      request.onerror = request.onabort = request.ontimeout = failed;
      signal?.addEventListener('abort', () => request.abort());
      request.send(body);
    });
}

/** The part of XMLHttpRequest that is used, which apps without DOM types lack. */
interface ProgressRequest {
  readonly status: number;
  readonly responseText: string;
  readonly upload: { onprogress: ((event: { loaded: number; total: number }) => void) | null };
  onload: (() => void) | null;
  onerror: (() => void) | null;
  onabort: (() => void) | null;
  ontimeout: (() => void) | null;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  getResponseHeader(name: string): string | null;
  send(body: unknown): void;
  abort(): void;
}

function responseOf(request: ProgressRequest): FetchResponse {
  const { status, responseText } = request;
  return {
    ok: status >= 200 && status < 300,
    status,
    headers: { get: (name) => request.getResponseHeader(name) },
    text: async () => responseText,
    json: async () => JSON.parse(responseText) as unknown,
  };
}
