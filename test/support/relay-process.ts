/**
 * The whole relay as a test has it: composed in this process, or as a process of its own that can be killed. It is
 * spoken to through its public port, and its usage is read as the operator's command reads it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { composeRelay } from '../../src/compose/compose.ts';
import { type Environment, readConfig } from '../../src/config/environment.ts';
import { COMMON_FIELDS, LOG_EVENTS, type LogEvent } from '../../src/observability/log-events.ts';
import { openAllUsageRecords } from '../../src/reports/all-usage-records.ts';
import type { UsageRow } from '../../src/reports/usage-records.ts';
import { BEHAVIOURS } from '../../src/simulator/behaviour.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts';
import { requireCataloguedMetrics } from './catalogued-metrics.ts';
import { ask } from './http-doors.ts';
import { compileCache, relayProgram } from './relay-program.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MANY = '1000000';

/** No limit of ours is what these tests are about; tokens are of the plan that has none either. */
const UNLIMITED: Environment = {
  HOST: '127.0.0.1',
  PORT: '0',
  LOG_LEVEL: 'debug',
  MAX_CONNECTIONS_PER_USER: MANY,
  MAX_CONNECTIONS_PER_IP: MANY,
  UPGRADES_PER_SECOND_PER_IP: MANY,
  UNPROVEN_PER_SECOND_PER_IP: MANY,
  MAX_STREAMS_PER_CONNECTION: '10000',
  MAX_STREAMS_PER_USER: '10000',
  STARTS_PER_MINUTE: MANY,
  FRAMES_PER_MINUTE: MANY,
  // A machine that runs all tests is late for other reasons than its relays.
  MAX_EVENT_LOOP_LAG_MS: '0',
};

export interface LogLine {
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface TestRelay {
  readonly url: string;
  readonly dataDir: string;
  /** As written, oldest first. */
  readonly logText: readonly string[];
  /** The same, read. */
  readonly logLines: readonly LogLine[];
  /** All lines with that message, once there are so many. */
  logged(msg: string, count?: number): Promise<readonly LogLine[]>;
  /** Of a user by number: the same number gives the same user. */
  token(user?: number): Promise<string>;
  /** Every row of the ledger, as the usage command prints it with --json; test/usage/cli runs the command itself. */
  usageRows(): Promise<UsageRow[]>;
}

/** Upstream of a relay under test: a Messages API at that URL. */
export function upstreamAt(url: string): Environment {
  const key = 'sk-ant-test-key-of-no-account';
  return { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: key, DASH_DEVELOPMENT: '1' };
}

export function userId(user: number): string {
  return `00000000-0000-4000-8000-${String(user).padStart(12, '0')}`;
}

export interface ComposedRelay extends TestRelay {
  drain(): Promise<void>;
  /** What SIGHUP does. */
  reload(): void;
  /** Closes it; the data directory goes with the test. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The relay in this process. */
export async function startRelay(environment: Environment = {}): Promise<ComposedRelay> {
  const dataDir = mkdtempSync(join(tmpdir(), 'relay-'));
  const log = new RecordedLog();
  const config = readConfig({ ...UNLIMITED, DATA_DIR: dataDir, ...environment });
  const output = { write: (line: string) => log.write(line), dropped: 0, close: async () => {} };
  const service = await composeRelay(config, { output });
  await service.start();
  const { url } = service;
  return Object.assign(testRelay(url, dataDir, log), {
    drain: () => service.drain('SIGTERM'),
    reload: () => service.reload(),
    close: () => service.close(),
    async [Symbol.asyncDispose]() {
      await checkMetrics(url);
      await service.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  });
}

/** Each that a relay of the tests exposes in the end is one of the catalogue; not where its port has none, or is closed. */
async function checkMetrics(url: string): Promise<void> {
  const answer = await ask(`${url}/metrics`).catch(() => undefined);
  if (answer?.status === 200) requireCataloguedMetrics(answer.body);
}

export interface SimulatedRelay extends ComposedRelay {
  readonly simulator: Simulator;
}

/** The same in front of a simulated model that the test holds. `sim:*` models are allowed, and those named. */
export async function startSimulatedRelay(
  { models = [], ...options }: SimulatorOptions & { readonly models?: readonly string[] } = {},
  environment: Environment = {},
): Promise<SimulatedRelay> {
  const simulator = await startSimulator({ ...options, moreModels: models });
  const scripted = Object.keys(BEHAVIOURS).map((name) => `sim:${name}`);
  const allowed = ['claude-sonnet-5-5', ...scripted, ...models].join(',');
  const relay = await startRelay({ ALLOWED_MODELS: allowed, ...upstreamAt(simulator.url), ...environment });
  const closeRelay = relay[Symbol.asyncDispose];
  return Object.assign(relay, {
    simulator,
    async [Symbol.asyncDispose]() {
      await closeRelay();
      await simulator.close();
    },
  });
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RelayChild extends TestRelay {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A directory for relays that follow each other; removed at the end. */
export function dataDirectory() {
  const path = mkdtempSync(join(tmpdir(), 'relay-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** The relay's own program, or another one. Resolves when it listens; rejects if it does not. */
export async function spawnRelay(
  dataDir: string,
  environment: Environment = {},
  early: readonly NodeJS.Signals[] = [],
  program?: string,
): Promise<RelayChild> {
  const cache = program === undefined ? await compileCache() : {};
  const child = spawn(process.execPath, [program ?? (await relayProgram('main'))], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], ...cache, ...UNLIMITED, DATA_DIR: dataDir, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // Not to outlive a test that ran out of time.
  const reap = () => void child.kill('SIGKILL');
  process.once('exit', reap);
  child.once('close', () => process.off('exit', reap));
  const exited = once(child, 'close').then(([code, signal]): Exit => ({ code, signal }));
  const log = new RecordedLog();
  void log.first('configuration').then(() => {
    for (const signal of early) child.kill(signal);
  });
  const url = await listening(child, log);
  return Object.assign(testRelay(url, dataDir, log), {
    pid: child.pid ?? 0,
    exited,
    kill: (signal: NodeJS.Signals) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  });
}

async function listening(child: ChildProcess, log: RecordedLog): Promise<string> {
  if (child.stdout === null) throw new Error('no output');
  // In development a greeting stands between the lines.
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{"level"')) log.write(line);
  });
  const ended = once(child, 'close').then(([code]) => {
    throw new Error(`the relay ended with ${code} before it listened`);
  });
  const { address, port } = await Promise.race([log.first('listening'), ended]);
  return `http://${address}:${port}`;
}

class RecordedLog {
  readonly text: string[] = [];
  readonly lines: LogLine[] = [];
  readonly #watchers = new Set<() => void>();

  write(line: string): void {
    this.text.push(line);
    const parsed = JSON.parse(line) as LogLine;
    requireCatalogued(parsed);
    this.lines.push(parsed);
    for (const look of this.#watchers) look();
  }

  async first(msg: string): Promise<LogLine> {
    const [line] = await this.logged(msg, 1);
    if (line === undefined) throw new Error('not logged');
    return line;
  }

  logged(msg: string, count: number): Promise<readonly LogLine[]> {
    const { promise, resolve } = Promise.withResolvers<readonly LogLine[]>();
    const look = (): void => {
      const found = this.lines.filter((line) => line.msg === msg);
      if (found.length < count) return;
      this.#watchers.delete(look);
      resolve(found);
    };
    this.#watchers.add(look);
    look();
    return promise;
  }
}

/** Each line that a relay of the tests writes is one of the catalogue, with its level and its fields. */
function requireCatalogued(line: LogLine): void {
  const known = Object.values(LOG_EVENTS as Readonly<Record<string, LogEvent>>).find(
    ({ name }) => name === line['event'],
  );
  if (known === undefined) throw new Error(`no event of the catalogue: ${line.msg}`);
  if (!known.levels.some((level) => level === line['level']))
    throw new Error(`not of level ${String(line['level'])}: ${line.msg}`);
  const fields: ReadonlySet<string> = new Set([...COMMON_FIELDS, ...known.fields]);
  const more = Object.keys(line).filter((field) => !fields.has(field));
  if (more.length > 0) throw new Error(`fields that the catalogue lacks: ${line.msg}: ${more.join(', ')}`);
}

function testRelay(url: string, dataDir: string, log: RecordedLog): TestRelay {
  const tokens = new Map<number, Promise<string>>();
  return {
    url,
    dataDir,
    logText: log.text,
    logLines: log.lines,
    logged: (msg, count = 1) => log.logged(msg, count),
    token(user = 1) {
      const token = tokens.get(user) ?? mintToken(url, user);
      tokens.set(user, token);
      return token;
    },
    usageRows: async () => readUsage(dataDir),
  };
}

/** Beside the relay that writes, as the operator's command does. */
function readUsage(dataDir: string): UsageRow[] {
  const reader = openAllUsageRecords(dataDir);
  if (reader === undefined) return [];
  try {
    const all = { from: 0, before: Number.MAX_SAFE_INTEGER, userId: null };
    return Array.from(reader.rows(all), (row) => JSON.parse(JSON.stringify(row)) as UsageRow);
  } finally {
    reader.close();
  }
}

async function mintToken(url: string, user: number): Promise<string> {
  const { body } = await ask(`${url}/dev/token`, {
    method: 'POST',
    body: { sub: userId(user), tier: 'enterprise' },
  });
  return (JSON.parse(body) as { access_token: string }).access_token;
}
