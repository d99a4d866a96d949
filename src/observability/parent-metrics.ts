/** What the parent of workers adds to their metrics: how many serve, how often one was started again, and what it takes itself. */
import { Counter, Gauge, Registry } from 'prom-client';
import { METRICS } from './metric-definitions.ts';
import type { PROCESS_METRICS } from './process-metrics.ts';

export interface ParentSources {
  /** Workers that take traffic. */
  readonly up: () => number;
  /** Log lines lost. */
  readonly dropped: () => number;
}

export interface ParentMetrics {
  readonly registry: Registry;
  /** A worker ended by itself, and another one is started. */
  restarted(): void;
}

type OfProcess = Extract<
  keyof typeof PROCESS_METRICS,
  'dash_process_start_time_seconds' | 'dash_process_resident_memory_bytes'
>;

/** Measures nothing by itself: a process that only waits need not wake up for its figures. */
export function createParentMetrics({ up, dropped }: ParentSources): ParentMetrics {
  const registry = new Registry();
  const registers = [registry];
  const startedAt = Date.now() / 1000 - process.uptime();
  const gauge = (name: 'dash_workers' | 'dash_log_lines_dropped' | OfProcess, read: () => number): void => {
    const help = name in METRICS ? METRICS[name as keyof typeof METRICS].help : name;
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge('dash_workers', up);
  gauge('dash_log_lines_dropped', dropped);
  gauge('dash_process_start_time_seconds', () => startedAt);
  gauge('dash_process_resident_memory_bytes', () => process.memoryUsage.rss());
  const cpu = (name: keyof typeof PROCESS_METRICS, read: (usage: NodeJS.CpuUsage) => number): void => {
    new Counter({
      name,
      help: name,
      registers,
      collect() {
        this.reset();
        this.inc(read(process.cpuUsage()) / 1e6);
      },
    });
  };
  cpu('dash_process_cpu_user_seconds_total', ({ user }) => user);
  cpu('dash_process_cpu_system_seconds_total', ({ system }) => system);
  cpu('dash_process_cpu_seconds_total', ({ user, system }) => user + system);
  const { help } = METRICS.dash_worker_restarts_total;
  const restarts = new Counter({ name: 'dash_worker_restarts_total', help, registers });
  return { registry, restarted: () => restarts.inc() };
}
