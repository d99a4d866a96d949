/** Whether an answer is being written, for who waits for it at the JSON door. */
import { describe, expect, it } from 'vitest';
import { createCore, start } from '../support/core.ts';
import { settled } from '../support/quiet.ts';
import { startServer } from './start-server.ts';

async function startDoor() {
  const core = createCore();
  const { url } = await startServer({ routes: { relay: core.relay, clock: core.clock } });
  const ask = async (id: string, token = 'alice') => {
    const response = await fetch(`${url}/v1/streams/${id}/state`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return [response.status, await response.json()] as const;
  };
  return { ...core, ask };
}

describe('GET /v1/streams/:id/state', () => {
  it('says whether the stream is live, and how far it is', async () => {
    const { connect, upstream, ask } = await startDoor();
    connect().send(start('s1'));
    const call = await upstream.call(0);
    call.text('one ', 'two ');
    await settled();
    expect(await ask('s1')).toEqual([200, { id: 's1', epoch: expect.any(String), head: 2, state: 'live' }]);
    call.end('end_turn');
    await settled();
    expect(await ask('s1')).toMatchObject([200, { head: 2, state: 'ended' }]);
  });

  it.each([
    ['one that is not there', 's2', 'alice'],
    ['one of somebody else', 's1', 'bob'],
  ])('knows nothing of %s', async (_what, id, token) => {
    const { connect, upstream, ask } = await startDoor();
    connect().send(start('s1'));
    await upstream.call(0);
    expect(await ask(id, token)).toMatchObject([
      404,
      { error: { code: 'unknown_stream', retryable: false } },
    ]);
  });

  it('asks for a token', async () => {
    const { ask } = await startDoor();
    expect(await ask('s1', 'mallory')).toMatchObject([401, { error: { code: 'unauthorized' } }]);
  });
});
