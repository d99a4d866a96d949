/** Nothing that a client, a peer or a model says becomes a label: nobody outside can make time series. */
import { once } from 'node:events';
import { request } from 'node:http';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { requireCataloguedMetrics, seriesOf } from '../support/catalogued-metrics.ts';
import { ask } from '../support/http-doors.ts';
import { startSimulatedRelay, type TestRelay } from '../support/relay-process.ts';

const PACE = { firstTokenMs: 1, deltasPerSecond: 4000 } as const;

/** Everything hostile that there is to say, with that word in every place that takes one. */
async function attack(relay: TestRelay, word: string): Promise<void> {
  const token = await relay.token();
  const body = (fields: object) => ({
    action: 'chat',
    messages: [{ role: 'user', content: word }],
    ...fields,
  });
  const post = (fields: object) =>
    ask(`${relay.url}/v1/chat`, {
      method: 'POST',
      token,
      body: body(fields),
      headers: { origin: `http://${word}` },
    });
  for (const fields of [{ action: word }, { model: `claude-${word}` }, { events: word }, { [word]: 1 }])
    expect((await post(fields)).status).toBeGreaterThanOrEqual(400);
  for (const path of [`/${word}`, `/v1/${word}`, `/v1/streams/${word}`, `/v1/usage/${word}?${word}=1`])
    expect((await ask(`${relay.url}${path}`, { token })).status).toBe(404);
  for (const door of ['ai-gateway', 'ai-proxy', word])
    await ask(`${relay.url}/functions/v1/${door}`, {
      method: 'POST',
      token,
      body: { action: word, service_type: word },
    });
  await ask(`${relay.url}/v1/ag-ui`, {
    method: 'POST',
    token,
    body: {
      threadId: word,
      runId: word,
      messages: [{ id: word, role: 'user', content: word }],
      forwardedProps: { action: word },
    },
  });
  for (const method of ['PROPFIND', 'PURGE', 'DELETE', 'OPTIONS']) await answered(relay, method, word);
  await ask(`${relay.url}/v1/chat`, { method: 'POST', token: `${word}.${word}.${word}`, body: body({}) });
  await frames(relay, token, word);
}

async function answered(relay: TestRelay, method: string, word: string): Promise<void> {
  const sent = request(`${relay.url}/${word}`, {
    method,
    agent: false,
    headers: { origin: `http://${word}` },
  });
  sent.end();
  const [response] = await once(sent, 'response');
  response.resume();
  await once(response, 'end');
}

async function frames(relay: TestRelay, token: string, word: string): Promise<void> {
  const socket = new WebSocket(`${relay.url.replace('http', 'ws')}/v1/ws`, ['dash-relay.v1'], {
    headers: { authorization: `Bearer ${token}` },
  });
  await once(socket, 'open');
  const id = `id-${word}`;
  const hostile = [
    { type: word },
    { type: 'start', id, action: word, messages: [{ role: 'user', content: 'x' }] },
    { type: 'start', id, action: 'chat', model: word, messages: [{ role: 'user', content: 'x' }] },
    { type: 'resume', id, epoch: word, after: 0 },
    { type: 'cancel', id },
    { type: 'ack', id, seq: 1 },
    { type: 'auth', token: word },
  ];
  const errors = new Promise<void>((resolve) => {
    let left = hostile.length;
    socket.on('message', (data) => {
      if (String(data).includes('"type":"error"')) left -= 1;
      if (left === 0) resolve();
    });
  });
  for (const frame of hostile) socket.send(JSON.stringify(frame));
  await errors;
  socket.close(3000 + Number(word.slice(-3)), word);
  await once(socket, 'close');
}

it('words of clients make no series, however many they are', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  const scraped = async (): Promise<string> => (await ask(`${relay.url}/metrics`)).body;
  await attack(relay, 'canary100');
  await scraped();
  await relay.logged('connection closed');
  const first = seriesOf(await scraped()).length;
  for (let index = 101; index < 111; index += 1) await attack(relay, `canary${index}`);
  await relay.logged('connection closed', 11);
  const exposed = await scraped();
  expect(exposed).not.toContain('canary');
  requireCataloguedMetrics(exposed);
  const ofNode = /^dash_nodejs_/;
  const own = (series: ReturnType<typeof seriesOf>) => series.filter(({ name }) => !ofNode.test(name));
  expect(own(seriesOf(exposed)).length).toBeLessThanOrEqual(first);
  expect(exposed).toContain('dash_connections_closed_total{code="other"} 11');
  expect(exposed).toMatch(/dash_http_requests_total\{route="other",status="404"\} [1-9]/);
});
