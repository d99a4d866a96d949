import { closeSync, openSync } from 'node:fs';

const isInTerminal = process.stdin.isTTY;

/** Whether SIGHUP says that the terminal was closed: nobody would see or end this process any more. */
export function hasLostTerminal(): boolean {
  if (!isInTerminal) return false;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return false;
  } catch {
    return true;
  }
}
