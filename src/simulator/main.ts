/**
 * The simulator as a process of its own, for benchmarks: `PORT=9100 PACE=25 node src/simulator/main.ts`.
 * PACE is deltas a second, all alike (absent: lifelike); TLS_KEY_FILE and TLS_CERT_FILE switch to HTTP/2 over TLS.
 * Prints its url on one line. `GET /stats` answers {open, served, aborted, connections}.
 */
import { readFileSync } from 'node:fs';
import { LIFELIKE, type Pace } from './pacer.ts';
import { startSimulator } from './simulator.ts';

const { PORT = '0', HOST = '127.0.0.1', PACE, TLS_KEY_FILE, TLS_CERT_FILE } = process.env;
const pace: Pace =
  PACE === undefined ? LIFELIKE : { firstTokenMs: [0, 1_000 / Number(PACE)], deltasPerSecond: Number(PACE) };
const tls =
  TLS_KEY_FILE === undefined || TLS_CERT_FILE === undefined
    ? undefined
    : { key: readFileSync(TLS_KEY_FILE), cert: readFileSync(TLS_CERT_FILE) };
const simulator = await startSimulator({ port: Number(PORT), host: HOST, pace, tls });
process.stdout.write(`${simulator.url}\n`);
