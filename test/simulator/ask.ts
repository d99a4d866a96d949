/** Ways to ask the simulator: the official SDK, and a bare request whose bytes are looked at as they come. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import Anthropic from '@anthropic-ai/sdk';
import type { Simulator } from '../../src/simulator/simulator.ts';

/** One that thinks only where it is asked to. */
export const MODEL = 'claude-opus-4-8';

export function sdk(simulator: Simulator): Anthropic {
  return new Anthropic({ apiKey: 'test', baseURL: simulator.url, maxRetries: 0, logLevel: 'off' });
}

export function question(content: string, model = MODEL, maxTokens = 4_096) {
  return { model, max_tokens: maxTokens, messages: [{ role: 'user' as const, content }] };
}

export const HEADERS: Readonly<Record<string, string>> = {
  'x-api-key': 'test',
  'anthropic-version': '2023-06-01',
  'content-type': 'application/json',
};

export interface Heard {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** What each read of the socket brought. */
  readonly parts: readonly Buffer[];
  readonly text: string;
  /** Code of the error that ended it; null after a clean end. */
  readonly error: string | null;
}

/** One bare POST; resolves when the response is over, however it ended. */
export function post(url: string, body: unknown, headers = HEADERS): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', headers, agent: false });
    // After a response has begun, how it ended is told by the response.
    request.on('error', reject);
    request.once('response', (response) => {
      request.off('error', reject).on('error', () => {});
      const parts: Buffer[] = [];
      let error: string | null = null;
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', (cause: NodeJS.ErrnoException) => {
        error = cause.code ?? cause.message;
      });
      response.once('close', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          parts,
          text: Buffer.concat(parts).toString(),
          error,
        }),
      );
    });
    request.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

interface Event {
  readonly type: string;
  readonly delta?: { readonly text?: string };
}

/** The data of every whole event in a body. */
export function eventsOf(text: string): Event[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((event) => JSON.parse(event.slice(event.indexOf('data: ') + 6)) as Event);
}

export function textOf(text: string): string {
  return eventsOf(text)
    .map((event) => event.delta?.text ?? '')
    .join('');
}

/** Waits for what arrives over a socket, with no fixed sleep: as long as the test's own limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
