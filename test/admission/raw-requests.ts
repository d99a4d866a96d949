/** Requests as bytes on sockets of one's own, as somebody sends them who does not keep to what a client does. */
import { connect, type Socket } from 'node:net';

/** What came back, by status; `closed` without an answer, `open` until now without one. */
export class Outcomes {
  readonly counts: Record<string, number> = {};

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }
}

export function head(line: string, headers: Readonly<Record<string, string | number>> = {}): string {
  const lines = Object.entries({ host: 'relay', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/**
 * One connection, whose answers are counted by their status. `answered` is called for each, `closed` when it is gone.
 */
export function open(
  port: number,
  outcomes: Outcomes,
  { answered = () => {}, closed = () => {} }: { answered?: () => void; closed?: () => void } = {},
): Socket {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  let answers = 0;
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    for (const [, status = ''] of text.matchAll(/HTTP\/1\.1 (\d{3})/g)) {
      answers += 1;
      outcomes.count(status);
      answered();
    }
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (answers === 0) outcomes.count('closed');
    closed();
  });
  return socket;
}
