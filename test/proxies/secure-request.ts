/** Requests by TLS over HTTP/1.1 and HTTP/2, each on a connection of its own, whose answers are read as they come. */
import { once } from 'node:events';
import { connect } from 'node:http2';
import { request } from 'node:https';
import type { Readable } from 'node:stream';
import type { StartedProxy } from './proxies.ts';

export interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

export interface ReadAnswer {
  readonly status: number;
  /** What has come so far. */
  readonly text: string;
  /** Resolves when what came holds `part`; rejects if it ends before. */
  until(part: string): Promise<void>;
  /** Resolves at the end of the answer: `whole` as HTTP tells it, or `cut`. */
  readonly ended: Promise<'whole' | 'cut'>;
}

export const VERSIONS = { 'HTTP/1.1': overHttp1, 'HTTP/2': overHttp2 } as const;
export type Version = keyof typeof VERSIONS;

async function overHttp1(
  { url, ca }: StartedProxy,
  { method = 'GET', path, headers, body }: Asked,
): Promise<ReadAnswer> {
  const asking = request(`${url}${path}`, {
    method,
    ca,
    agent: false,
    headers: { ...headers, ...typed(body) },
  });
  asking.end(body && JSON.stringify(body));
  const [answer] = await once(asking, 'response');
  return read(answer, answer.statusCode);
}

async function overHttp2(
  { url, ca }: StartedProxy,
  { method = 'GET', path, headers, body }: Asked,
): Promise<ReadAnswer> {
  const session = connect(url, { ca });
  session.on('error', () => {}); // its streams tell
  const stream = session.request({ ':method': method, ':path': path, ...headers, ...typed(body) });
  stream.end(body && JSON.stringify(body));
  stream.once('close', () => session.close());
  const [answer] = await once(stream, 'response');
  return read(stream, answer[':status']);
}

const typed = (body: object | undefined) =>
  body === undefined ? {} : { 'content-type': 'application/json' };

function read(source: Readable, status: number): ReadAnswer {
  let text = '';
  const ended = new Promise<'whole' | 'cut'>((resolve) => {
    source.once('end', () => resolve('whole')).once('error', () => resolve('cut'));
    source.once('aborted', () => resolve('cut'));
  });
  source.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    source.emit('read');
  });
  return {
    status,
    get text() {
      return text;
    },
    async until(part) {
      while (!text.includes(part)) {
        const how = await Promise.race([ended, once(source, 'read')]);
        if (typeof how === 'string' && !text.includes(part))
          throw new Error(`${how} before ${part}: ${text}`);
      }
    },
    ended,
  };
}
