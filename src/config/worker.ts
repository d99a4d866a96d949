/** The settings of one of several processes, from those of the machine that they share. */
import type { WorkerPlace } from '../workers/place.ts';
import type { Config } from './environment.ts';
import { processNameOf } from './instance-id.ts';

/** What is named or divided among them; what is counted by all together stays as it is. */
export function configOfWorker(config: Config, { ports, ...worker }: WorkerPlace): Config {
  const { PORT, METRICS_PORT, INSTANCE_ID, STREAM_LOG_TOTAL_BYTES, DATABASE_POOL } = config;
  return {
    ...config,
    worker: { ...worker, machine: INSTANCE_ID },
    // Whatever free ones the first of them picked.
    PORT: ports?.port ?? PORT,
    METRICS_PORT: ports?.metricsPort ?? METRICS_PORT,
    INSTANCE_ID: processNameOf(INSTANCE_ID, worker.number),
    STREAM_LOG_TOTAL_BYTES: Math.ceil(STREAM_LOG_TOTAL_BYTES / worker.count),
    // One at least, or none of its rows would leave.
    DATABASE_POOL: Math.max(1, Math.floor(DATABASE_POOL / worker.count)),
  };
}
