/**
 * Processes of a benchmark: whoever is started here is stopped here, also on an error, SIGINT or SIGTERM.
 * A `Companion` is one of our own scripts, which speaks one JSON object a line: commands on stdin, events on stdout.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { within } from './deadline.ts';
import { readMessages } from './messages.ts';

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) killGroup(child);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

/** Starts a program. The caller stops it with `stopProgram`; the end of this process kills it. */
export function startProgram(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  // A group of its own: killing it takes nginx's workers along.
  const child = spawn(command, args, { ...options, detached: true });
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

/** SIGTERM, and SIGKILL after `patienceMs`. */
export async function stopProgram(child: ChildProcess, patienceMs: number): Promise<void> {
  if (!running.has(child)) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await within(patienceMs, 'stop', exited).catch(async () => {
    killGroup(child);
    await exited;
  });
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

export interface Companion extends AsyncDisposable {
  readonly pid: number;
  /** The next event of that name. @throws Error when the process ends first or `ms` pass. */
  next<T>(event: string, ms: number): Promise<T>;
  send(command: string, message?: object): void;
  /** Sends a command and waits for the event of the same name. */
  request<T>(command: string, ms?: number): Promise<T>;
}

/** Starts `script` (relative to bench/) with its options as one JSON argument. */
export function startCompanion(script: string, options: object): Companion {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = startProgram(process.execPath, [path, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting = new Map<string, PromiseWithResolvers<unknown>>();
  const heard = (event: string) => {
    const waiter = waiting.get(event) ?? Promise.withResolvers<unknown>();
    waiting.set(event, waiter);
    waiter.promise.catch(() => undefined);
    return waiter;
  };
  if (child.stdout !== null)
    readMessages(child.stdout, ({ event, ...rest }) => heard(String(event)).resolve(rest));
  child.stdin?.on('error', () => undefined);
  child.once('exit', (code) => {
    for (const waiter of waiting.values())
      waiter.reject(new Error(`bench/${script} ended with code ${code}`));
  });
  const next = async <T>(event: string, ms: number): Promise<T> => {
    const message = await within(ms, `${script} ${event}`, heard(event).promise);
    waiting.delete(event);
    return message as T;
  };
  const send = (command: string, message: object = {}) =>
    child.stdin?.write(`${JSON.stringify({ command, ...message })}\n`);
  return {
    pid: child.pid ?? 0,
    next,
    send,
    request<T>(command: string, ms = 5000) {
      send(command);
      return next<T>(command, ms);
    },
    [Symbol.asyncDispose]: () => stopProgram(child, 2000),
  };
}
