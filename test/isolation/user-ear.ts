/** One of many users: what they ask at each transport, and everything that ever comes back to them. */
import { once } from 'node:events';
import WebSocket from 'ws';
import type { StartFrame } from '../../src/protocol/frames.ts';
import { ask } from '../support/http-doors.ts';
import { connectClient, type RelayClient } from '../support/relay-client.ts';

const EVENTS = { accept: 'text/event-stream' };

export interface UserEarParts {
  readonly number: number;
  readonly token: string;
  /** What the user asks, which no other one may ever read. */
  readonly canary: string;
}

export class UserEar {
  readonly number: number;
  readonly token: string;
  readonly canary: string;
  /** As it came, of bodies, heads and frames. */
  readonly heard: string[] = [];

  constructor({ number, token, canary }: UserEarParts) {
    this.number = number;
    this.token = token;
    this.canary = canary;
  }

  question(id: string, more: object = {}): Omit<StartFrame, 'type'> & { readonly id: string } {
    return { id, action: 'chat', messages: [{ role: 'user', content: this.canary }], ...more };
  }

  /** A client whose every frame is heard. */
  async connect(url: string, reconnects = false): Promise<RelayClient> {
    const client = await connectClient({ url, token: this.token, reconnects });
    client.onFrame = (frame) => this.heard.push(JSON.stringify(frame));
    return client;
  }

  /** A request, with the status of its answer. */
  async request(
    url: string,
    method = 'GET',
    body?: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<number> {
    const { token } = this;
    const answer = await ask(url, { method, token, headers, ...(body === undefined ? {} : { body }) });
    this.heard.push(JSON.stringify(answer.headers), answer.body);
    return answer.status;
  }

  async askEvents(url: string, id: string): Promise<void> {
    await this.request(`${url}/v1/chat`, 'POST', this.question(id), EVENTS);
  }

  async askWhole(url: string, id: string): Promise<void> {
    await this.request(`${url}/v1/chat`, 'POST', this.question(id));
  }

  /** By AG-UI, under ids that others may have too. */
  async askAgUi(url: string, runId: string): Promise<void> {
    const messages = [{ id: 'm', role: 'user', content: this.canary }];
    const forwardedProps = { action: 'chat' };
    await this.request(`${url}/v1/ag-ui`, 'POST', { threadId: 't', runId, messages, forwardedProps });
  }

  /** The app's old functions, by HTTP. */
  async askOld(url: string, stream: boolean): Promise<void> {
    const body = { action: 'chat', prompt: this.canary, stream };
    await this.request(`${url}/functions/v1/ai-gateway`, 'POST', body, stream ? EVENTS : {});
    await this.request(`${url}/functions/v1/ai-proxy`, 'POST', {
      service_type: 'chat',
      payload: { prompt: this.canary },
    });
  }

  /** And by their WebSockets. */
  async askOldSocket(url: string, path: 'ai-gateway-ws' | 'ai-proxy-ws'): Promise<void> {
    const fields = { prompt: this.canary };
    const body =
      path === 'ai-gateway-ws' ? { action: 'chat', ...fields } : { service_type: 'chat', payload: fields };
    const headers = { authorization: `Bearer ${this.token}` };
    const socket = new WebSocket(`${url.replace('http', 'ws')}/functions/v1/${path}`, { headers });
    socket.on('message', (data) => {
      const text = String(data);
      this.heard.push(text);
      if (/^\{"type":"(done|error|cancelled)"/.test(text)) socket.close(1000);
    });
    socket.on('open', () => socket.send(JSON.stringify(body)));
    await once(socket, 'close');
  }
}
