/** A relay with a model that keeps what it is asked, and an action and a plan that take documents. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Usage } from '../../src/protocol/frames.ts';
import type { QuotaReport } from '../../src/quota/port.ts';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startTestRelay } from '../../src/testing/index.ts';
import { readProjectFile } from '../architecture/source-files.ts';

export interface Answer {
  readonly status: number;
  readonly body: {
    readonly id?: string;
    readonly content?: string;
    readonly usage?: Usage;
    readonly quotas?: QuotaReport['quotas'];
    readonly error?: { readonly code: string; readonly message: string; readonly reason?: string };
  };
}

/** Users of the tier `teacher` may ask about PDFs; nobody else. */
export async function startRelayWithUploads(environment: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'dash-uploads-'));
  const plans = JSON.parse(readProjectFile('config/plans.json')) as { plans: Record<string, object> };
  plans.plans['teacher'] = {
    ...plans.plans['enterprise'],
    tiers: ['teacher'],
    settings: { documents: true },
  };
  await writeFile(join(folder, 'plans.json'), JSON.stringify(plans));
  const simulator = await startSimulator({ pace: UNPACED, keepBodies: true });
  const relay = await startTestRelay({
    environment: {
      ANTHROPIC_BASE_URL: simulator.url,
      PLANS_FILE: join(folder, 'plans.json'),
      FRAMES_PER_MINUTE: '100000',
      MAX_EVENT_LOOP_LAG_MS: '0', // other tests may have the processor
      ...environment,
    },
  });
  const call = async (
    method: string,
    path: string,
    token: string,
    init: RequestInit = {},
  ): Promise<Answer> => {
    const headers = { authorization: `Bearer ${token}`, ...init.headers };
    const response = await fetch(relay.url + path, { ...init, method, headers });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Answer['body'] };
  };
  return {
    relay,
    simulator,
    call,
    send: (token: string, file: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
      call('POST', '/v1/uploads', token, {
        body: new Uint8Array(file),
        headers: { 'content-type': 'application/octet-stream', ...headers },
      }),
    ask: (token: string, content: object, more: object = {}): Promise<Answer> =>
      call('POST', '/v1/chat', token, {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ action: 'chat', messages: [{ role: 'user', content }], ...more }),
      }),
    /** What /metrics says of one series. */
    async metric(name: string): Promise<number> {
      const text = await (await fetch(`${relay.url}/metrics`)).text();
      return Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${name} `))
          ?.split(' ')[1] ?? Number.NaN,
      );
    },
    async close() {
      await relay.close();
      await simulator.close();
      await rm(folder, { recursive: true });
    },
  };
}

export type RelayWithUploads = Awaited<ReturnType<typeof startRelayWithUploads>>;

export const image = (id: string | undefined) => ({ type: 'image', source: { type: 'upload', id } });
export const document = (id: string | undefined) => ({ type: 'document', source: { type: 'upload', id } });
export const words = (text: string) => ({ type: 'text', text });
