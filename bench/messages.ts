/** One JSON object a line, between the benchmark and its companions. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export type Message = Readonly<Record<string, unknown>>;

export function readMessages(from: Readable, onMessage: (message: Message) => void): void {
  createInterface({ input: from }).on('line', (line) => onMessage(JSON.parse(line) as Message));
}

/** Companion's side: tells the benchmark that `event` happened. */
export function tell(event: string, message: object = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...message })}\n`);
}

/** Companion's side: runs the named handler for each command, with its arguments; ends with its parent. */
export function obey(commands: Readonly<Record<string, (message: Message) => void>>): void {
  readMessages(process.stdin, (message) => commands[String(message['command'])]?.(message));
  process.stdin.once('end', () => process.exit(0));
}
