/** A real Prometheus with the rules of docs/grafana, at the pace of the day: what fires, and what its queries give. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/support/free-port.ts';
import { startServer } from '../subjects/server-process.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { scaledRules } from './scaled-rules.ts';

export const RULES = 'docs/grafana/rules';
const FILES = ['recording.yml', 'alerts.yml'];
/** As the README of docs/grafana has it, ms. */
const SCRAPE_MS = 15_000;

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** Unix seconds and the value. */
  readonly values: readonly (readonly [number, string])[];
}

export interface Prometheus extends AsyncDisposable {
  readonly url: string;
  /** How long a scrape interval is on the clock, ms. */
  readonly scrapeMs: number;
  /** Names of the alerts that fire. */
  firing(): Promise<ReadonlySet<string>>;
  /** What is said of one that fires. */
  saysOf(alert: string): Promise<string>;
  /** The last `seconds`, at this step. */
  range(query: string, seconds: number, step: number): Promise<readonly Series[]>;
}

/** @param targets `host:port` of each metrics port @param scale see scaledRules */
export async function startPrometheus(targets: readonly string[], scale: number): Promise<Prometheus> {
  const directory = temporaryDirectory('prometheus');
  for (const file of FILES)
    writeFileSync(join(directory.path, file), scaledRules(readFileSync(`${RULES}/${file}`, 'utf8'), scale));
  const scrapeMs = Math.round(SCRAPE_MS / scale);
  const config = join(directory.path, 'prometheus.yml');
  writeFileSync(config, JSON.stringify(configuration(targets, scrapeMs)));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await startServer({
    name: 'prometheus',
    command: 'prometheus',
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(directory.path, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    ready: async () => (await fetch(`${url}/-/ready`).catch(() => null))?.ok === true,
    port,
  });
  const alerts = async () => (await asked<{ alerts: readonly Alert[] }>(`${url}/api/v1/alerts`)).alerts;
  return {
    url,
    scrapeMs,
    async firing() {
      return new Set((await alerts()).filter(({ state }) => state === 'firing').map(nameOf));
    },
    async saysOf(name) {
      return (await alerts()).find((alert) => nameOf(alert) === name)?.annotations['description'] ?? '';
    },
    async range(query, seconds, step) {
      const end = Date.now() / 1000;
      const asks = new URLSearchParams({ query, start: `${end - seconds}`, end: `${end}`, step: `${step}` });
      return (await asked<{ result: readonly Series[] }>(`${url}/api/v1/query_range?${asks}`)).result;
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}

interface Alert {
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

function nameOf({ labels }: Alert): string {
  return labels['alertname'] ?? '';
}

/** JSON is YAML. */
function configuration(targets: readonly string[], scrapeMs: number): object {
  return {
    global: {
      scrape_interval: `${scrapeMs}ms`,
      scrape_timeout: `${scrapeMs}ms`,
      evaluation_interval: `${scrapeMs}ms`,
    },
    rule_files: FILES,
    scrape_configs: [{ job_name: 'dash-relay', static_configs: [{ targets }] }],
  };
}

/** @throws Error with what Prometheus says of the question */
async function asked<Data>(url: string): Promise<Data> {
  const response = await fetch(url);
  const answer = (await response.json()) as { status: string; error?: string; data: Data };
  if (answer.status !== 'success') throw new Error(`Prometheus: ${answer.error}: ${url}`);
  return answer.data;
}
