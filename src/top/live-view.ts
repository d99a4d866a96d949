/** The live view: asks, draws, and obeys keys, until it is quit. Loaded only where there is a terminal. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RelayWatch } from './relay-watch.ts';
import { screenOf, type View } from './screen.ts';
import { type Key, Terminal } from './terminal.ts';

/** @returns the exit code */
export async function showLive(watch: RelayWatch, everyMs: number): Promise<number> {
  const quit = new AbortController();
  const stop = () => quit.abort();
  let paused: View | undefined;
  const terminal = new Terminal(process.stdin, process.stdout, onKey, draw);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop);
  try {
    draw();
    while (!quit.signal.aborted) {
      await watch.ask();
      draw();
      await sleep(everyMs, undefined, { signal: quit.signal }).catch(() => {});
    }
  } finally {
    terminal.close();
  }
  return 0;

  function draw(): void {
    if (quit.signal.aborted) return;
    const view = paused ?? watch.view(false);
    terminal.draw(screenOf(view, terminal.size));
  }

  function onKey({ name, ctrl }: Key): void {
    if (name === 'q' || (ctrl && name === 'c')) stop();
    if (name === 'p') {
      paused = paused === undefined ? watch.view(true) : undefined;
      draw();
    }
  }
}
