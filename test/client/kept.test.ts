/** Streams that are read hours later, from where answers are kept, and streams that are forgotten. */
import { expect, it } from 'vitest';
import { settled } from '../support/quiet.ts';
import { doneFrame, EPOCH, ScriptedRelay } from './scripted-relay.ts';

const HOURS_MS = 5 * 3_600_000;

it('goes on where it stood after a sleep of hours, whatever was due meanwhile', async () => {
  const relay = new ScriptedRelay();
  const stream = await relay.streaming();
  await relay.pass(20_000);
  relay.signal('sleep');
  relay.clock.sleep(HOURS_MS);
  relay.signal('wake');
  await relay.pass(1000);
  relay.greet();
  expect(relay.socket.sentOf('resume')).toEqual([{ type: 'resume', id: stream.id, epoch: EPOCH, after: 1 }]);
  relay.socket.say(
    { type: 'resumed', id: stream.id, epoch: EPOCH, after: 1, head: 3, model: 'm', state: 'ended' },
    { type: 'chunk', id: stream.id, seq: 3, count: 2, content: ', world' },
    doneFrame(stream.id, 3),
  );
  expect(await stream.final).toMatchObject({ outcome: 'done', content: 'Hello, world' });
});

it('is attached to by its id alone, from its beginning, by each transport', async () => {
  const relay = new ScriptedRelay();
  const stream = relay.client.attach('a-stream-of-yesterday');
  await settled();
  relay.greet();
  expect(relay.socket.sent).toEqual([{ type: 'resume', id: stream.id, after: 0 }]);
  relay.resume(stream.id, 0);
  relay.socket.say({ type: 'chunk', id: stream.id, seq: 1, content: 'Hello' }, doneFrame(stream.id, 1));
  expect(await stream.final).toMatchObject({ outcome: 'done', content: 'Hello' });

  const asked: string[] = [];
  const other = new ScriptedRelay({
    transports: ['sse'],
    fetch: async (url, { method = 'GET', headers }) => {
      asked.push(`${method} ${new URL(url).pathname} ${headers?.['last-event-id']}`);
      return Response.json(
        { error: { code: 'unknown_stream', message: '', retryable: false } },
        { status: 404 },
      );
    },
  });
  const gone = other.client.attach('a-stream-of-nobody');
  await expect(gone.final).rejects.toMatchObject({ code: 'unknown_stream' });
  expect(asked.slice(1)).toEqual(['GET /v1/streams/a-stream-of-nobody undefined']);
});

it('calls a start fresh where that matters, the first time and of an id of its own', async () => {
  const relay = new ScriptedRelay();
  const question = { action: 'chat', messages: [{ role: 'user', content: 'hi' }] } as const;
  const first = relay.ask();
  const named = relay.client.stream(question, { id: 'a-name-that-an-app-gave' });
  await settled();
  relay.greet(undefined, { keepsAnswers: true });
  const fresh = () => relay.socket.sentOf('start').map(({ id, fresh }) => [id, fresh]);
  expect(fresh()).toEqual([
    [first.id, true],
    [named.id, undefined],
  ]);
  relay.accept(named.id);
  relay.socket.end(1006);
  await relay.pass(1000);
  relay.greet(undefined, { keepsAnswers: true });
  expect(fresh()).toEqual([[first.id, undefined]]);

  const plain = new ScriptedRelay();
  plain.ask();
  await settled();
  plain.greet();
  expect(plain.socket.sentOf('start')).toMatchObject([{ action: 'chat' }]);
  expect(plain.socket.sentOf('start')[0]).not.toHaveProperty('fresh'); // of which an older relay knows nothing
});

it('asks again where nobody can say at the moment', async () => {
  const relay = new ScriptedRelay();
  const stream = relay.client.attach('a-stream-of-yesterday', EPOCH, 0);
  await settled();
  relay.greet();
  const refusal = { code: 'unavailable', message: '', retryable: true, retryAfterMs: 3000 } as const;
  relay.socket.say({ type: 'error', id: stream.id, of: 'resume', ...refusal });
  await relay.pass(2750);
  expect(relay.socket.sentOf('resume')).toHaveLength(1);
  await relay.pass(250);
  expect(relay.socket.sentOf('resume')).toHaveLength(2);
  relay.resume(stream.id, 0);
  relay.socket.say({ type: 'chunk', id: stream.id, seq: 1, content: 'Hello' }, doneFrame(stream.id, 1));
  expect(await stream.final).toMatchObject({ content: 'Hello' });
});

it('has the relay forget, and asks until it is gone', async () => {
  const asked: string[] = [];
  const answers = [
    () => Response.json({ error: { code: 'unavailable', message: '', retryable: true } }, { status: 503 }),
    () => new Response('<html>Sign in to this network</html>', { status: 200 }),
    () => new Response(null, { status: 204 }),
  ];
  const relay = new ScriptedRelay({
    fetch: async (url, { method = 'GET' }) => {
      asked.push(`${method} ${url}`);
      return answers[asked.length - 1]?.() ?? Response.json({}, { status: 500 });
    },
  });
  const forgotten = relay.client.forget('a-stream-of-mine');
  await relay.pass(10_000);
  await forgotten;
  expect(asked).toEqual(Array(3).fill('DELETE http://relay.test/v1/streams/a-stream-of-mine?forget=true'));
  answers.splice(0, 3, ...Array(3).fill(() => new Response(null, { status: 204 })));
  asked.length = 0;
  await relay.client.forgetAll();
  expect(asked).toEqual(['DELETE http://relay.test/v1/streams']);
});

it('says so where it may still be there', async () => {
  const relay = new ScriptedRelay({ fetch: () => Promise.reject(new TypeError('no network')) });
  const forgotten = expect(relay.client.forgetAll()).rejects.toMatchObject({ code: 'unreachable' });
  await relay.pass(60_000);
  await forgotten;
});
