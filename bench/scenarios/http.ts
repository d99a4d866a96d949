import { mintTokens } from '../issuer/tokens.ts';
import { fire } from '../load/autocannon.ts';
import type { Outcome, Scenario } from '../scenario.ts';
import { onStage, type Stage } from '../stage.ts';
import { perCoreWarm } from './per-core.ts';

const CONNECTIONS = 32;
const REQUESTS = 8000;
/** Whole runs, with a usage row each. */
const ANSWERS = 2000;
/** A whole answer in about ten milliseconds: what is measured is a request, not waiting. */
const TRAFFIC = { deltasPerSecond: 1000, answerDeltas: 10, firstTokenMs: [0, 1] as const };
const CHAT = { action: 'chat', messages: [{ role: 'user', content: 'Why is the sky blue?' }] };

export const http: Scenario = {
  name: 'http',
  summary: 'the HTTP doors under autocannon, answers of ten deltas; by the CPU of the relay alone',
  subjects: ['relay'],
  figures: [
    { name: 'healthz', label: 'GET /healthz', unit: '/s per core' },
    { name: 'plainGet', label: 'GET /v1/ws that is no upgrade, 426', unit: '/s per core' },
    { name: 'noToken', label: 'POST /v1/chat without a token, 401', unit: '/s per core' },
    { name: 'json', label: 'POST /v1/chat, JSON', unit: '/s per core' },
    { name: 'sse', label: 'POST /v1/chat, server-sent events', unit: '/s per core' },
  ],
  run: (subject) => onStage(subject, TRAFFIC, {}, runHttp),
};

async function runHttp(stage: Stage): Promise<Outcome> {
  const { port } = stage.subject;
  const [token = ''] = mintTokens(stage.signer, 'h', 1);
  const answers = (path: string, status: number, headers = {}, body?: object) =>
    perCoreWarm(stage, () => {
      const requests = status === 200 && body !== undefined ? ANSWERS : REQUESTS;
      const shots = { port, path, headers, status, connections: CONNECTIONS, requests };
      return fire(body === undefined ? shots : { ...shots, body: JSON.stringify(body) });
    });
  const type = { 'content-type': 'application/json' };
  const own = { ...type, authorization: `Bearer ${token}` };
  const figures = {
    healthz: await answers('/healthz', 200),
    plainGet: await answers('/v1/ws', 426),
    noToken: await answers('/v1/chat', 401, type, CHAT),
    json: await answers('/v1/chat', 200, own, CHAT),
    sse: await answers('/v1/chat', 200, { ...own, accept: 'text/event-stream' }, CHAT),
  };
  return { rounds: [figures] };
}
