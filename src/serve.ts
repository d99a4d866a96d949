/**
 * The serving process: environment in, exit code out. 78 says that the configuration must change, 1 that something broke.
 * SIGHUP reads the files of settings again, unless it says that the terminal is gone.
 * The first SIGTERM or SIGINT drains, a second one stops waiting. SIGUSR2 has debug lines written, and again no more.
 * As one of WORKERS it hears of signals from its parent alone: who signals a whole group of processes would be heard twice.
 */
import { flushCompileCache } from 'node:module';
import { hasLostTerminal } from './command-line/lost-terminal.ts';
import { composeRelay, type RelayService } from './compose/compose.ts';
import { type Config, ConfigError, readConfig } from './config/environment.ts';
import { configOfWorker } from './config/worker.ts';
import { systemClock } from './time/clock.ts';
import { welcome } from './welcome.ts';
import { EXIT_CONFIG, EXIT_FAILURE } from './workers/exit-codes.ts';
import { ParentLink } from './workers/parent-link.ts';
import { placeOf } from './workers/place.ts';

/** What closing may take beyond the drain deadline before the process ends itself, ms. */
const CLOSE_WITHIN_MS = 10_000;

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const;

const place = placeOf(process.env);
const early = new Set<NodeJS.Signals>();
let started: RelayService | undefined;
let isStopping = false;
// Both would end a process that does not listen to them, and a start may take seconds. Each has one listener for good: a
// signal that comes in the turn in which the only one is replaced reaches neither. Not SIGUSR1: it opens Node's inspector.
if (place === undefined) process.on('SIGHUP', hear).on('SIGUSR2', hear);
else for (const signal of SIGNALS) process.on(signal, () => {});
const parent = place && new ParentLink(systemClock, { onSignal: hear, onGone: orphaned });
const config = readConfigOrExit();
const service = await startOrExit(config);
started = service;
for (const signal of early) hear(signal);
if (place === undefined) process.on('SIGTERM', hear).on('SIGINT', hear);
// A state that nobody thought of is not served on: clients resume, the platform restarts, the ledger settles.
process.on('uncaughtException', (error) => void crash(service, error));
process.on('unhandledRejection', (error) => void crash(service, error));

/** What comes while it starts counts once it has started; but nothing is lost of one that is told to end by then. */
function hear(signal: NodeJS.Signals): void {
  const ends = signal === 'SIGTERM' || signal === 'SIGINT';
  const isLost = signal === 'SIGHUP' && place === undefined && hasLostTerminal();
  if (started === undefined) {
    if (ends || isLost) process.exit(ends ? 0 : EXIT_FAILURE);
    early.add(signal);
  } else if (ends || isLost) void stop(started, signal);
  else if (signal === 'SIGHUP') started.reload();
  else started.toggleDebug();
}

/** The next start needs the ports and directories: nobody waits for the answers under way. */
function orphaned(): void {
  if (started === undefined) process.exit(EXIT_FAILURE);
  void stop(started, 'disconnect');
  void stop(started, 'disconnect');
}

function readConfigOrExit(): Config {
  try {
    const machine = readConfig(process.env);
    return place === undefined ? machine : configOfWorker(machine, place);
  } catch (error) {
    if (error instanceof ConfigError) return exitUnconfigured(error);
    throw error;
  }
}

function exitUnconfigured({ message }: ConfigError): never {
  process.stderr.write(`dash-relay: ${message}\n`);
  process.exit(EXIT_CONFIG);
}

async function startOrExit(settings: Config): Promise<RelayService> {
  try {
    const relay = await composeRelay(settings, { parent });
    await relay.start();
    flushCompileCache(); // now: a process that is killed would not leave it for the next
    if (!settings.production && settings.worker?.isFirst !== false)
      process.stdout.write(await welcome(relay));
    const { ports, machine } = relay;
    parent?.up({ ...ports, machine, stopWithinMs: settings.DRAIN_MS + CLOSE_WITHIN_MS });
    return relay;
  } catch (error) {
    if (error instanceof ConfigError) return exitUnconfigured(error);
    process.stderr.write(
      `dash-relay: unable to start: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exit(EXIT_FAILURE);
  }
}

/** Asked once more, it waits for no answer, and closing alone has its time. */
async function stop(relay: RelayService, signal: string): Promise<void> {
  const drainMs = isStopping ? 0 : config.DRAIN_MS;
  isStopping = true;
  const draining = relay.drain(signal);
  const overdue = setTimeout(() => process.exit(EXIT_FAILURE), drainMs + CLOSE_WITHIN_MS);
  overdue.unref();
  await draining;
  await relay.close();
  process.exit(0);
}

async function crash(relay: RelayService, error: unknown): Promise<void> {
  process.exitCode = EXIT_FAILURE;
  setTimeout(() => process.exit(EXIT_FAILURE), 1000).unref();
  relay.crashed(error);
  await relay.close();
  process.exit(EXIT_FAILURE);
}
