import { exchange, openRaw, parseAnswer } from '../http/raw-client.ts';

const HEAD_END = '\r\n\r\n';

export interface RawAnswer {
  /** `101`, with the subprotocol and the extensions it grants, or `<status> <code>`. */
  readonly outcome: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of a refusal, without the request's id. */
  readonly error: Readonly<Record<string, unknown>>;
  /** As it came. */
  readonly text: string;
}

/** Sends bytes as they are and reads the answer; a socket that is granted is cut. */
export async function answerOf(port: number, request: string): Promise<RawAnswer> {
  const client = await openRaw(port);
  await client.send(request).until(HEAD_END);
  if (client.text.startsWith('HTTP/1.1 101')) client.socket.destroy();
  return describeAnswer(await client.untilClosed());
}

/** A request by GET on a connection of its own. */
export async function answerToGet(port: number, path: string, token: string): Promise<RawAnswer> {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: relay.example',
    'Connection: close',
    `Authorization: Bearer ${token}`,
  ];
  return describeAnswer(await exchange(port, `${lines.join('\r\n')}${HEAD_END}`));
}

function describeAnswer(text: string): RawAnswer {
  const { status, headers, error: { requestId: _, ...error } = {} } = parseAnswer(text);
  const granted = [headers['sec-websocket-protocol'], headers['sec-websocket-extensions']];
  const more = status === 101 ? granted : [error['code']];
  const outcome = [status, ...more].filter((part) => part !== undefined).join(' ');
  return { outcome, headers, error, text };
}
