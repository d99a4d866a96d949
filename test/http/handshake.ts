/** The head of a WebSocket handshake, line by line; needs no test runner. */
export interface HandshakeOptions {
  readonly method?: string;
  readonly path?: string;
  readonly httpVersion?: string;
  /** Replace the usual ones by name, in lower case; `undefined` leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Lines as they are, behind the others. */
  readonly lines?: readonly string[];
}

/** The head of a handshake with alice's token, unless told otherwise. */
export function handshake(options: HandshakeOptions = {}): string {
  const { method = 'GET', path = '/v1/ws', httpVersion = '1.1', lines = [] } = options;
  const headers = {
    host: 'relay.example',
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    authorization: 'Bearer alice',
    ...options.headers,
  };
  const named = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}: ${value}`,
  );
  return [`${method} ${path} HTTP/${httpVersion}`, ...named, ...lines, '', ''].join('\r\n');
}
