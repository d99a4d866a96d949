/**
 * One subject under one load: starts upstream, subject and load generator, then measures rounds of equal length and
 * stops everything. Rounds follow each other in the same processes: the first also pays for the JIT's warm-up.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createCertificate } from './certificate.ts';
import { type Companion, startCompanion } from './child.ts';
import type { ConnectedReport, LoadOptions, LoadReport } from './load/port.ts';
import { cpuMicros, machineCpuMicros, memory } from './process-usage.ts';
import type { RunningSubject, Subject } from './subject.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import type { UpstreamOptions, UpstreamReport } from './upstream/port.ts';

export interface Workload {
  readonly upstream: Omit<UpstreamOptions, 'key' | 'cert'>;
  readonly load: Omit<LoadOptions, 'kind' | 'port'>;
  /** From all streams live to the first round, ms. */
  readonly warmUpMs: number;
  readonly roundMs: number;
  readonly rounds: number;
}

/** What one round showed. */
export interface Round {
  readonly seconds: number;
  /** CPU of the subject's process tree, microseconds; 0 without a process. */
  readonly cpuMicros: number;
  /** Megabytes: the mean and the highest of the samples, resident; and the highest proportional share. */
  readonly rssMb: number;
  readonly rssPeakMb: number;
  readonly pssPeakMb: number;
  /** CPU of everything that is no part of the benchmark, percent of one core: above a few, latencies mean little. */
  readonly othersCpuPercent: number;
  readonly load: LoadReport;
  readonly upstream: UpstreamReport;
}

export interface Measured {
  readonly rounds: readonly Round[];
  /** Of opening all connections: how long, and the subject's CPU. */
  readonly opening: { readonly seconds: number; readonly cpuMicros: number };
}

const START_MS = 15_000;
const OPENING_MS = 60_000;
const MEMORY_SAMPLE_MS = 500;
const REPORT_MS = 10_000;

export async function measure(subject: Subject, workload: Workload): Promise<Measured> {
  using files = certificateFiles();
  await using upstream = startCompanion('upstream.ts', { ...files.certificate, ...workload.upstream });
  const ports = await upstream.next<{ securePort: number; plainPort: number }>('listening', START_MS);
  await using running = await subject.start({ ...ports, certFile: files.certFile });
  const options = loadOptions(subject.kind, running.port, workload);
  await using load = startCompanion('load.ts', options);
  try {
    return await drive(running, upstream, load, workload);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${running.log()}`, { cause: error });
  }
}

async function drive(
  { pid }: RunningSubject,
  upstream: Companion,
  load: Companion,
  workload: Workload,
): Promise<Measured> {
  await load.next('ready', OPENING_MS);
  const cpuBefore = pid === null ? 0 : cpuMicros(pid);
  load.send('connect');
  const { seconds } = await load.next<ConnectedReport>('connected', OPENING_MS);
  const opening = { seconds, cpuMicros: pid === null ? 0 : cpuMicros(pid) - cpuBefore };

  load.send('stream');
  await load.next('live', workload.load.rampMs + START_MS);
  await delay(workload.warmUpMs);
  const rounds: Round[] = [];
  while (rounds.length < workload.rounds) {
    rounds.push(await measureRound(pid, upstream, load, workload.roundMs));
  }
  return { rounds, opening };
}

/** Server-sent events carry one stream a connection. */
function loadOptions(kind: LoadOptions['kind'], port: number, { load }: Workload): LoadOptions {
  const connections = kind === 'sse' ? load.streams : load.connections;
  return { ...load, kind, port, connections };
}

async function measureRound(
  pid: number | null,
  upstream: Companion,
  load: Companion,
  roundMs: number,
): Promise<Round> {
  const cpu = () => (pid === null ? 0 : cpuMicros(pid));
  await Promise.all([upstream.request('reset'), load.request('reset')]);
  const begun = performance.now();
  const cpuBefore = cpu();
  const machineBefore = machineCpuMicros();
  const selfBefore = process.cpuUsage();
  const samples = pid === null ? [] : [memory(pid)];
  while (performance.now() - begun < roundMs) {
    await delay(Math.min(MEMORY_SAMPLE_MS, Math.max(1, roundMs - (performance.now() - begun))));
    if (pid !== null) samples.push(memory(pid));
  }
  const used = cpu() - cpuBefore;
  const machineUsed = machineCpuMicros() - machineBefore;
  const self = process.cpuUsage(selfBefore);
  const [upstreamReport, loadReport] = await Promise.all([
    upstream.request<UpstreamReport>('report', REPORT_MS),
    load.request<LoadReport>('report', REPORT_MS),
  ]);
  if (upstreamReport.deltas > 0 && loadReport.deltas === 0) {
    throw new Error(`no delta reached the clients: ${JSON.stringify(loadReport.faults)}`);
  }
  const resident = samples.map((sample) => sample.rssMb);
  const seconds = (performance.now() - begun) / 1000;
  const ours = used + self.user + self.system + upstreamReport.cpuMicros + loadReport.cpuMicros;
  return {
    seconds,
    cpuMicros: used,
    othersCpuPercent: Math.max(0, machineUsed - ours) / (seconds * 10_000),
    rssMb: resident.reduce((sum, each) => sum + each, 0) / Math.max(1, resident.length),
    rssPeakMb: Math.max(0, ...resident),
    pssPeakMb: Math.max(0, ...samples.map((sample) => sample.pssMb)),
    load: loadReport,
    upstream: upstreamReport,
  };
}

function certificateFiles() {
  const directory = temporaryDirectory('tls');
  const certificate = createCertificate();
  const certFile = join(directory.path, 'cert.pem');
  writeFileSync(certFile, certificate.cert);
  return { certificate, certFile, [Symbol.dispose]: () => directory[Symbol.dispose]() };
}
