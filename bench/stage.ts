/**
 * One subject between an upstream and its load: starts upstream and subject, opens load generators, measures rounds,
 * and stops everything. Rounds follow each other in the same processes: the first also pays for the JIT's warm-up.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createCertificate } from '../test/support/certificate.ts';
import { type Companion, startCompanion } from './child.ts';
import { startKeyServer } from './issuer/key-server.ts';
import type { Signer } from './issuer/tokens.ts';
import type { ConnectedReport, LoadOptions, LoadReport, StormReport, StreamCommand } from './load/port.ts';
import { MemorySeries } from './memory-series.ts';
import { machineCpuMicros, proportionalMb, startCpu } from './process-usage.ts';
import type { Environment, RunningSubject, Subject } from './subjects/port.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import type { UpstreamOptions, UpstreamReport } from './upstream/port.ts';

export type Traffic = Omit<UpstreamOptions, 'key' | 'cert'>;

export interface Load extends AsyncDisposable {
  connect(): Promise<ConnectedReport>;
  stream(command: StreamCommand): Promise<void>;
  storm(): Promise<StormReport>;
  reset(): Promise<void>;
  report(): Promise<LoadReport>;
}

/** What one round showed. */
export interface Round {
  readonly seconds: number;
  /** CPU of the subject's process tree, microseconds; 0 without a process. */
  readonly cpuMicros: number;
  /** Megabytes: the mean and the highest of the samples, resident; and the proportional share at the end. */
  readonly rssMb: number;
  readonly rssPeakMb: number;
  readonly pssMb: number;
  /** CPU of everything that is no part of the benchmark, percent of one core: above a few, latencies mean little. */
  readonly othersCpuPercent: number;
  /** Of the first load generator. */
  readonly load: LoadReport;
  readonly upstream: UpstreamReport;
}

export interface Stage {
  readonly subject: RunningSubject;
  /** Signs tokens that the subject takes. */
  readonly signer: Signer;
  /** CPU of the subject from now until the returned function is called, microseconds. */
  startCpu(): () => number;
  /** So far: seconds since the subject was ready, and megabytes resident. */
  memory(): readonly (readonly [number, number])[];
  /** Opens one more load generator, which is stopped with the stage, or before: then it has no part in further rounds. */
  load(options: Omit<LoadOptions, 'door' | 'port' | 'signer'>): Promise<Load>;
  /** Starts the subject once more beside the first, for the same upstream and users; it is stopped with the stage. */
  another(environment: Environment): Promise<RunningSubject>;
  /** Measures for `ms`, all generators together. */
  round(ms: number): Promise<Round>;
}

const START_MS = 15_000;
const READY_MS = 60_000;
const REPORT_MS = 10_000;

/** Runs `play` on a stage of its own. @throws what it threw, with the end of the subject's log */
export async function onStage<Result>(
  subject: Subject,
  traffic: Traffic,
  environment: Environment,
  play: (stage: Stage) => Promise<Result>,
): Promise<Result> {
  using files = certificateFiles();
  await using upstream = startCompanion('upstream.ts', { ...files.certificate, ...traffic });
  await using keys = await startKeyServer();
  const ports = await upstream.next<{ securePort: number; plainPort: number }>('listening', START_MS);
  const backends = { ...ports, certFile: files.certFile, supabaseUrl: keys.url };
  await using running = await subject.start(backends, environment);
  await using stack = new AsyncDisposableStack();
  const loads: Load[] = [];
  using memory = new MemorySeries(running.pid);
  try {
    return await play({
      subject: running,
      signer: keys.signer,
      startCpu: () => startCpuOf(running.pid),
      memory: () => memory.points,
      async load(options) {
        const { port, door } = running;
        const load = stack.use(await openLoad({ ...options, port, door, signer: keys.signer }));
        const counted = {
          ...load,
          async [Symbol.asyncDispose]() {
            loads.splice(loads.indexOf(counted), 1);
            await load[Symbol.asyncDispose]();
          },
        };
        loads.push(counted);
        return counted;
      },
      another: async (its) => stack.use(await subject.start(backends, its)),
      round: (ms) => measureRound({ pid: running.pid, upstream, loads, memory }, ms),
    });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${running.log()}`, { cause: error });
  }
}

async function openLoad(options: LoadOptions): Promise<Load> {
  // Server-sent events and the plan's frames carry one stream a connection.
  const perConnection = options.door.kind === 'relay' ? options.perConnection : 1;
  const connections = options.connections * (options.perConnection / perConnection);
  const companion = startCompanion('load.ts', { ...options, connections, perConnection });
  await companion.next('ready', READY_MS);
  return {
    async connect() {
      companion.send('connect');
      return companion.next<ConnectedReport>('connected', READY_MS);
    },
    async stream(command) {
      companion.send('stream', command);
      await companion.next('live', command.rampMs + START_MS);
    },
    storm: () => companion.request<StormReport>('storm', READY_MS),
    reset: () => companion.request('reset'),
    report: () => companion.request<LoadReport>('report', REPORT_MS),
    [Symbol.asyncDispose]: () => companion[Symbol.asyncDispose](),
  };
}

interface Players {
  readonly pid: number | null;
  readonly upstream: Companion;
  readonly loads: readonly Load[];
  readonly memory: MemorySeries;
}

async function measureRound(players: Players, ms: number): Promise<Round> {
  const { pid, upstream, loads, memory } = players;
  await Promise.all([upstream.request('reset'), ...loads.map((load) => load.reset())]);
  const spent = startAccounts(pid);
  const from = memory.points.length;
  await delay(ms);
  const used = spent();
  const [report, ...reports] = await Promise.all([
    upstream.request<UpstreamReport>('report', REPORT_MS),
    ...loads.map((load) => load.report()),
  ]);
  const [load] = reports;
  if (load === undefined) throw new Error('a round without a load');
  if (report.deltas > 0 && load.deltas === 0) {
    throw new Error(`no delta reached the clients: ${JSON.stringify(load.faults)}`);
  }
  const loadCpu = reports.reduce((sum, each) => sum + each.cpuMicros, 0);
  const ours = used.subject + used.self + report.cpuMicros + loadCpu;
  const resident = memory.points.slice(from).map(([, rssMb]) => rssMb);
  return {
    seconds: used.seconds,
    cpuMicros: used.subject,
    rssMb: resident.reduce((sum, each) => sum + each, 0) / Math.max(1, resident.length),
    rssPeakMb: Math.max(0, ...resident),
    pssMb: pid === null ? 0 : proportionalMb(pid),
    othersCpuPercent: Math.max(0, used.machine - ours) / (used.seconds * 10_000),
    load,
    upstream: report,
  };
}

/** CPU and time from now until the returned function is called. */
function startAccounts(pid: number | null) {
  const subject = startCpuOf(pid);
  const before = { at: performance.now(), machine: machineCpuMicros() };
  const selfBefore = process.cpuUsage();
  return () => {
    const self = process.cpuUsage(selfBefore);
    return {
      seconds: (performance.now() - before.at) / 1000,
      subject: subject(),
      machine: machineCpuMicros() - before.machine,
      self: self.user + self.system,
    };
  };
}

function startCpuOf(pid: number | null): () => number {
  return pid === null ? () => 0 : startCpu(pid);
}

function certificateFiles() {
  const directory = temporaryDirectory('tls');
  const certificate = createCertificate();
  const certFile = join(directory.path, 'cert.pem');
  writeFileSync(certFile, certificate.cert);
  return { certificate, certFile, [Symbol.dispose]: () => directory[Symbol.dispose]() };
}
