/**
 * The serving process: environment in, exit code out. 78 says that the configuration must change, 1 that something broke.
 * SIGHUP reads the files of settings again, unless it says that the terminal is gone.
 * The first SIGTERM or SIGINT drains, a second one stops waiting. SIGUSR2 has debug lines written, and again no more.
 */
import { closeSync, openSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { composeRelay, type RelayService } from './compose/compose.ts';
import { type Config, ConfigError, readConfig } from './config/environment.ts';
import { welcome } from './welcome.ts';

const EXIT_FAILURE = 1;
const EXIT_CONFIG = 78;
/** What closing may take beyond the drain deadline before the process ends itself, ms. */
const CLOSE_WITHIN_MS = 10_000;

const isInTerminal = process.stdin.isTTY;
const config = readConfigOrExit();
// Both would end a process that does not listen to them, and a start may take seconds. Each has one listener for good: a
// signal that comes in the turn in which the only one is replaced reaches neither. Not SIGUSR1: it opens Node's inspector.
const early = new Set<NodeJS.Signals>();
let started: RelayService | undefined;
process.on('SIGHUP', hear).on('SIGUSR2', hear);
const service = await startOrExit(config);
started = service;
for (const signal of early) hear(signal);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(service, signal));
// A state that nobody thought of is not served on: clients resume, the platform restarts, the ledger settles.
process.on('uncaughtException', (error) => void crash(service, error));
process.on('unhandledRejection', (error) => void crash(service, error));

/** What comes while it starts counts once it has started. */
function hear(signal: NodeJS.Signals): void {
  if (signal === 'SIGHUP' && hasLostTerminal()) {
    if (started === undefined) process.exit(EXIT_FAILURE);
    void stop(started, signal);
  } else if (started === undefined) early.add(signal);
  else if (signal === 'SIGHUP') started.reload();
  else started.toggleDebug();
}

/** A terminal that is closed says so by the same signal, and nobody would see or end this process any more. */
function hasLostTerminal(): boolean {
  if (!isInTerminal) return false;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return false;
  } catch {
    return true;
  }
}

function readConfigOrExit(): Config {
  try {
    return readConfig(process.env);
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
    const relay = await composeRelay(settings);
    await relay.start();
    flushCompileCache(); // now: a process that is killed would not leave it for the next
    if (!settings.production) process.stdout.write(await welcome(relay));
    return relay;
  } catch (error) {
    if (error instanceof ConfigError) return exitUnconfigured(error);
    process.stderr.write(
      `dash-relay: unable to start: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exit(EXIT_FAILURE);
  }
}

async function stop(relay: RelayService, signal: string): Promise<void> {
  const draining = relay.drain(signal);
  const overdue = setTimeout(() => process.exit(EXIT_FAILURE), config.DRAIN_MS + CLOSE_WITHIN_MS);
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
