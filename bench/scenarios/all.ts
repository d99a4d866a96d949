/** Every scenario, in the order they run. */
import type { Scenario } from '../scenario.ts';
import { cancel } from './cancel.ts';
import { cancelElsewhere } from './cancel-elsewhere.ts';
import { connections } from './connections.ts';
import { cpu1, cpu10, growth } from './cpu.ts';
import { firstToken } from './first-token.ts';
import { handshakes } from './handshakes.ts';
import { http } from './http.ts';
import { latency } from './latency.ts';
import { ledger } from './ledger.ts';
import { longStreams } from './long-streams.ts';
import { churn, memory } from './memory.ts';
import { overloadBlocked, overloadMemory, overloadStarts } from './overload.ts';
import { redis } from './redis.ts';
import { resume } from './resume.ts';
import { saturation } from './saturation.ts';
import { slowReaders } from './slow-readers.ts';
import { kept, starts } from './starts.ts';
import { storm } from './storm.ts';
import { workers, workersSaturation } from './workers.ts';

export const scenarios: readonly Scenario[] = [
  cpu10,
  cpu1,
  latency,
  firstToken,
  starts,
  kept,
  cancel,
  resume,
  storm,
  memory,
  connections,
  handshakes,
  http,
  ledger,
  redis,
  slowReaders,
  saturation,
  workers,
  workersSaturation,
  growth,
  churn,
  longStreams,
  cancelElsewhere,
  overloadStarts,
  overloadMemory,
  overloadBlocked,
];
