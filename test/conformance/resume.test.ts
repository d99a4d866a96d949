import { describe, expect, it } from 'vitest';
import { HeldStream } from '../support/held-stream.ts';
import { ask, resumeEvents } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';

const WORDS = Array.from({ length: 40 }, (_, at) => `word${at} `);

/** A run that has ended, and what its owner holds of it. */
async function endedRun(relay: SimulatedRelay): Promise<HeldStream> {
  relay.simulator.always({ deltas: WORDS, pace: { firstTokenMs: 1, deltasPerSecond: 1000 } });
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  const stream = client.start();
  await client.ended(stream);
  return stream;
}

function holding({ startFrame, id, epoch }: HeldStream, seq: number): HeldStream {
  const stream = new HeldStream(startFrame, id);
  stream.epoch = epoch;
  stream.seq = seq;
  stream.text = WORDS.slice(0, seq).join('');
  return stream;
}

describe('a run is read on from every position', () => {
  it.each([0, 1, 17, 39, 40])('behind %i of 40 deltas, over a socket and as events', async (after) => {
    await using relay = await startSimulatedRelay();
    const whole = await endedRun(relay);

    await using client = await connectClient({ url: relay.url, token: await relay.token() });
    const held = holding(whole, after);
    client.streams.set(held.id, held);
    client.resume(held);
    expect(await client.ended(held)).toEqual(whole.ending);
    expect(held.text).toBe(WORDS.join(''));

    const events = await resumeEvents(relay.url, await relay.token(), holding(whole, after));
    expect(events.ending).toEqual(whole.ending);
    expect(events.text).toBe(WORDS.join(''));
  });

  it('and without one from its beginning, as events', async () => {
    await using relay = await startSimulatedRelay();
    const { id } = await endedRun(relay);
    const { body } = await ask(`${relay.url}/v1/streams/${id}`, { token: await relay.token() });
    expect(body).toMatch(/^event: resumed\n/);
    expect(body).toContain('word0 ');
    expect(body).toMatch(/event: done\nid: .*\.40\n/);
  });
});

describe('what cannot be exact is refused whole', () => {
  const cases = {
    'past the head': ({ id, epoch }: HeldStream) => ({
      id,
      epoch,
      after: 41,
      code: 'resume_gap',
      status: 409,
    }),
    'of another epoch': ({ id }: HeldStream) => ({
      id,
      epoch: 'another-epoch',
      after: 3,
      code: 'resume_gap',
      status: 409,
    }),
    'of a run that is not there': ({ epoch }: HeldStream) => ({
      id: 'no-such-run',
      epoch,
      after: 3,
      code: 'unknown_stream',
      status: 404,
    }),
  };
  it.each(Object.entries(cases))('%s', async (_what, positionOf) => {
    await using relay = await startSimulatedRelay();
    const { id, epoch, after, code, status } = positionOf(await endedRun(relay));
    const token = await relay.token();
    await using client = await connectClient({ url: relay.url, token });
    const refused = client.refused('resume');
    client.send({ type: 'resume', id, epoch, after });
    expect(await refused).toMatchObject({ id, code });

    const headers = { 'last-event-id': `${epoch}.${after}` };
    const answer = await ask(`${relay.url}/v1/streams/${id}`, { token, headers });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code } });
  });

  it('a run no longer held: the id begins anew, with an epoch and a row of its own', async () => {
    await using relay = await startSimulatedRelay({}, { RESUME_WINDOW_MS: '50' });
    const { id, epoch, startFrame } = await endedRun(relay);
    const token = await relay.token();
    const url = `${relay.url}/v1/streams/${id}`;
    await eventually('the run is let go', async () => (await ask(url, { token })).status === 404);
    await using client = await connectClient({ url: relay.url, token });
    const { type: _, ...fields } = startFrame;
    const again = client.start(fields);
    await client.ended(again);
    expect(again.epoch).not.toBe(epoch);
    expect(await relay.usageRows()).toHaveLength(2);
  });
});
