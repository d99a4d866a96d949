/** `GET /v1/streams`: which streams the caller has. */
import { expect, it } from 'vitest';
import { createCore, start } from '../support/core.ts';
import { createMemoryAnswers } from '../support/memory-answers.ts';
import { settled } from '../support/quiet.ts';
import { startServer } from './start-server.ts';

it('gives the streams of the caller, newest first and a page at a time, and refuses what is no page', async () => {
  const answers = createMemoryAnswers();
  const core = createCore({ answers });
  const { url } = await startServer({ routes: { relay: core.relay, clock: core.clock } });
  const ask = async (query: string, token = 'alice') => {
    const response = await fetch(`${url}/v1/streams${query}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return [response.status, await response.json()] as const;
  };
  const socket = core.connect();
  for (const [at, id] of ['s1', 's2', 's3'].entries()) {
    core.clock.advance(10);
    socket.send(start(id));
    (await core.upstream.call(at)).text('word ');
  }
  core.upstream.last.end('end_turn');
  await settled();
  const [status, page] = await ask('?limit=2');
  expect(status).toBe(200);
  expect(page).toMatchObject({
    streams: [
      { id: 's3', state: 'ended', ending: 'done', textLength: 5 },
      { id: 's2', state: 'live', head: 1 },
    ],
    next: expect.any(String),
  });
  const { next } = page as { readonly next: string };
  expect(await ask(`?limit=2&before=${encodeURIComponent(next)}`)).toMatchObject([
    200,
    { streams: [{ id: 's1' }], next: null },
  ]);
  expect(await ask('', 'bob')).toEqual([200, { streams: [], next: null }]);
  for (const query of ['?limit=0', '?limit=101', '?limit=x', '?before=x', '?before=1.a&before=1.b'])
    expect(await ask(query)).toMatchObject([400, { error: { code: 'bad_request' } }]);
  expect(await ask('', 'mallory')).toMatchObject([401, { error: { code: 'unauthorized' } }]);
  answers.refuse(true);
  expect(await ask('')).toMatchObject([503, { error: { code: 'unavailable', retryable: true } }]);
});
