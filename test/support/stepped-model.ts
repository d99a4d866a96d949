/** A model on loopback that says what a test tells it, when the test does: the Messages API, one body for each call. */

import type { Environment } from '../../src/config/environment.ts';
import { SSE_HEADERS, sse } from '../upstream/message-script.ts';
import { type ModelResponse, startModelServer } from '../upstream/model-server.ts';
import { upstreamAt } from './relay-process.ts';

export class SteppedCall {
  readonly #response: ModelResponse;
  #index = -1;

  constructor(response: ModelResponse) {
    this.#response = response;
    response.writeHead(200, SSE_HEADERS);
    const usage = { input_tokens: 20, output_tokens: 1 };
    this.send({ type: 'message_start', message: { type: 'message', model: 'claude-sonnet-5-5', usage } });
  }

  send(event: Readonly<Record<string, unknown>>): void {
    this.#response.write(sse(event));
  }

  ping(): void {
    this.send({ type: 'ping' });
  }

  /** Opens a block of thinking; `said` is a summary of what it thinks. */
  think(...said: string[]): void {
    this.#open({ type: 'thinking', thinking: '', signature: '' });
    this.say(...said);
  }

  /** More of what it thinks, in the block that is open. */
  say(...said: string[]): void {
    for (const thinking of said) this.#delta({ type: 'thinking_delta', thinking });
  }

  /** Closes the block of thinking before it, if there is one. */
  text(...said: string[]): void {
    if (this.#index >= 0) this.#close();
    this.#open({ type: 'text', text: '' });
    for (const text of said) this.#delta({ type: 'text_delta', text });
  }

  end(outputTokens = 42): void {
    this.#finish({ stop_reason: 'end_turn' }, outputTokens);
  }

  refuse(category: string | null = 'general_harms'): void {
    const stop_details = { type: 'refusal', category, explanation: null };
    this.#finish({ stop_reason: 'refusal', stop_details }, 3);
  }

  #open(content_block: object): void {
    this.#index += 1;
    this.send({ type: 'content_block_start', index: this.#index, content_block });
  }

  #delta(delta: object): void {
    this.send({ type: 'content_block_delta', index: this.#index, delta });
  }

  #close(): void {
    this.send({ type: 'content_block_stop', index: this.#index });
  }

  #finish(delta: object, output_tokens: number): void {
    if (this.#index >= 0) this.#close();
    this.send({ type: 'message_delta', delta, usage: { output_tokens } });
    this.send({ type: 'message_stop' });
    this.#response.end();
  }
}

export interface SteppedModel {
  /** Of a relay in front of it. */
  readonly environment: Environment;
  /** Bodies of the requests so far. */
  readonly requests: readonly { readonly body: string }[];
  /** Call number `index`, also if it is still to come. */
  call(index: number): Promise<SteppedCall>;
  /** Resolves when no call is open. */
  idle(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startSteppedModel(): Promise<SteppedModel> {
  const calls: PromiseWithResolvers<SteppedCall>[] = [];
  const at = (index: number): PromiseWithResolvers<SteppedCall> => {
    calls[index] ??= Promise.withResolvers();
    return calls[index];
  };
  let count = 0;
  const server = await startModelServer('http', (response, _call, request) => {
    if (request.method === 'POST') return at(count++).resolve(new SteppedCall(response));
    response.writeHead(404); // what else the relay asks the API
    response.end();
  });
  return {
    environment: upstreamAt(server.baseURL),
    get requests() {
      return server.requests.filter(({ body }) => body !== '');
    },
    call: (index) => at(index).promise,
    idle: () => server.idle(),
    [Symbol.asyncDispose]: () => server.close(),
  };
}
