/** What an operator finds in the log when somebody hands in the request id of an HTTP answer, or a connection's id. */
import { expect, it } from 'vitest';
import { ask, open, textOf } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import { type SimulatedRelay, startSimulatedRelay, userId } from '../support/relay-process.ts';

const MESSAGES = [{ role: 'user' as const, content: 'A canary sings: xyzzy-plugh.' }];
const BODY = { action: 'chat', model: 'sim:fast', messages: MESSAGES };
const RUN = {
  threadId: 't',
  runId: 'r',
  messages: MESSAGES.map((each) => ({ ...each, id: 'm' })),
  forwardedProps: { action: 'chat' },
};
const PRICED = { action: 'chat', messages: MESSAGES };

function linesOf(relay: SimulatedRelay, requestId: unknown) {
  return relay.logLines.filter((line) => line['level'] !== 'debug' && line['requestId'] === requestId);
}

it.each([
  ['sse', '/v1/chat', PRICED, { accept: 'text/event-stream' }],
  ['json', '/v1/chat', PRICED, {}],
  ['ai_gateway', '/functions/v1/ai-gateway', PRICED, {}],
  ['ag_ui', '/v1/ag-ui', RUN, {}],
])(
  "the request id of an answer at the door %s joins its stream, the model's request and the row",
  async (door, path, body, headers) => {
    await using relay = await startSimulatedRelay();
    const token = await relay.token();
    const response = await open(`${relay.url}${path}`, { method: 'POST', token, body, headers });
    await textOf(response);
    const [ended] = await relay.logged('stream ended');
    const requestId = response.headers['x-request-id'];
    expect(linesOf(relay, requestId).map(({ msg }) => msg)).toEqual(['stream started', 'stream ended']);
    expect(ended).toMatchObject({
      door,
      requestId,
      connectionId: null,
      userId: userId(1),
      tier: 'enterprise',
      organizationId: null,
      status: 'done',
      stopReason: 'end_turn',
      model: 'claude-sonnet-5-5',
      costUsd: expect.any(Number),
      upstreamRequestId: expect.stringMatching(/^req_/),
    });
    const [row] = await relay.usageRows();
    expect(row).toMatchObject({
      epoch: ended?.['epoch'],
      streamId: ended?.['streamId'],
      costUsd: ended?.['costUsd'],
    });
  },
);

it('a stream of a connection is joined by the id that its greeting gave', async () => {
  await using relay = await startSimulatedRelay();
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  await client.ended(client.start(BODY));
  const [opened] = await relay.logged('connection opened');
  const [ended] = await relay.logged('stream ended');
  expect(ended).toMatchObject({ door: 'websocket', connectionId: opened?.['connectionId'], requestId: null });
});

it('one request id joins the HTTP answer, the stream, each try at the model and, by the epoch, the row', async () => {
  await using relay = await startSimulatedRelay();
  relay.simulator.script('overloaded', 'answer');
  const token = await relay.token();
  const response = await open(`${relay.url}/v1/chat`, { method: 'POST', token, body: PRICED });
  await textOf(response);
  const [ended] = await relay.logged('stream ended');
  const requestId = response.headers['x-request-id'];
  const lines = relay.logLines.filter((line) => line['requestId'] === requestId);
  expect(lines.map(({ event }) => event)).toEqual(
    expect.arrayContaining([
      'stream_started',
      'upstream_attempt_begun',
      'upstream_attempt_failed',
      'upstream_attempt_over',
      'stream_ended',
    ]),
  );
  // Theirs has a name of its own, and differs from try to try.
  const theirs = lines.filter(({ event }) => event === 'upstream_attempt_answered');
  expect(new Set(theirs.map(({ upstreamRequestId }) => upstreamRequestId)).size).toBe(2);
  expect(lines.find(({ event }) => event === 'upstream_attempt_failed')).toMatchObject({
    door: 'json',
    upstreamRequestId: theirs[0]?.['upstreamRequestId'],
    epoch: ended?.['epoch'],
  });
  expect(ended).toMatchObject({
    model: 'claude-sonnet-5-5',
    servedModel: expect.stringContaining('claude-sonnet-5-5'),
    refusal: null,
    upstreamRequestId: theirs[1]?.['upstreamRequestId'],
  });
  expect(await relay.usageRows()).toMatchObject([{ epoch: ended?.['epoch'], streamId: ended?.['streamId'] }]);
});

it('the ending of a refused question says by which category', async () => {
  await using relay = await startSimulatedRelay({ models: ['sim:refusal'] });
  const token = await relay.token();
  const body = { ...BODY, model: 'sim:refusal' };
  await textOf(await open(`${relay.url}/v1/chat`, { method: 'POST', token, body }));
  const [ended] = await relay.logged('stream ended');
  expect(ended).toMatchObject({
    status: 'done',
    stopReason: 'refusal',
    refusal: expect.stringMatching(/^[a-z_]+$/),
  });
});

it('who reads on, cancels or is refused has a line with the request id of its own answer', async () => {
  await using relay = await startSimulatedRelay({ models: ['sim:silent'] });
  const token = await relay.token();
  await using client = await connectClient({ url: relay.url, token });
  const stream = client.start({ ...BODY, model: 'sim:silent' });
  await client.accepted(stream);

  const events = await open(`${relay.url}/v1/streams/${stream.id}`, { token });
  const attached = await open(`${relay.url}/v1/chat`, {
    method: 'POST',
    token,
    body: { ...stream.startFrame, type: undefined, id: stream.id },
    headers: { accept: 'text/event-stream' },
  });
  const cancelled = await ask(`${relay.url}/v1/streams/${stream.id}`, { method: 'DELETE', token });
  await Promise.all([textOf(events), textOf(attached)]);
  const absent = await ask(`${relay.url}/v1/streams/absent-stream`, { token });
  const conflict = await ask(`${relay.url}/v1/chat`, {
    method: 'POST',
    token,
    body: { ...BODY, id: stream.id },
  });
  expect([events.statusCode, attached.statusCode, cancelled.status, absent.status, conflict.status]).toEqual([
    200, 200, 200, 404, 409,
  ]);

  const said = (headers: typeof cancelled.headers) =>
    linesOf(relay, headers['x-request-id']).map((line) => ({
      msg: line.msg,
      streamId: line['streamId'],
      userId: line['userId'],
    }));
  const of = { streamId: stream.id, userId: userId(1) };
  expect(said(events.headers)).toEqual([{ msg: 'stream resumed', ...of }]);
  expect(said(attached.headers)).toEqual([{ msg: 'stream resumed', ...of }]);
  expect(said(cancelled.headers)).toEqual([{ msg: 'cancel asked', ...of }]);
  // The id of a stream that is not there may say anything: it is not logged.
  expect(said(absent.headers)).toEqual([{ msg: 'refused', ...of, streamId: null }]);
  expect(said(conflict.headers)).toEqual([{ msg: 'refused', ...of }]);
  const [ended] = await relay.logged('stream ended');
  expect(ended).toMatchObject({ status: 'cancelled', stopReason: null, abortReason: 'cancelled' });
  expect(relay.logText.join('')).not.toContain('xyzzy');
});
