/**
 * A socket of the AI SDK's frames, whose client sends them in any order, whole or broken: one a line. What it gets is only what the
 * library takes, which fails with all chats of a page otherwise.
 */
import assert from 'node:assert/strict';
import { connectChats } from '../../../src/http/ai-sdk/chat-socket.ts';
import { ChatStreams } from '../../../src/http/ai-sdk/chat-streams.ts';
import { CLOSE_CODES } from '../../../src/protocol/codes.ts';
import { type ChatResponse, question, resume } from '../../ai-sdk/chat-client.ts';
import { faultOf } from '../../ai-sdk/library.ts';
import { ALICE, BOB, type Core, createCore, principal } from '../../support/core.ts';
import { FakeSocket } from '../../support/fake-socket.ts';
import { settled } from '../../support/quiet.ts';
import { type FuzzTarget, subject } from '../fuzz-target.ts';

const CODES: ReadonlySet<number> = new Set(Object.values(CLOSE_CODES));
/** What Bob is answered, and Alice must never be told. */
const CANARY = 'canary-of-bob';
const MOST_LINES = 60;

const frames = (...each: readonly unknown[]): string => each.map((one) => JSON.stringify(one)).join('\n');
const abort = (requestId: string) => ({ type: 'abort', requestId });

/** `say`, `end`, `fail`, `think`: what the model does. `drop`: the client goes, and comes back. `wait`: time passes. */
const CORPUS = [
  `${frames(question('r', 'a'))}\nsay\nsay\nend\n${frames(resume('s', 'a'))}`,
  `${frames(question('r', 'a'), question('s', 'b'))}\nsay\n${frames(abort('r'))}\nsay\nfail\n${frames(abort('s'), abort('s'))}`,
  `${frames(question('r', 'a'))}\nthink\nsay\ndrop\n${frames(resume('r', 'a', 3))}\nsay\n${frames(resume('t', 'a'), abort('t'), resume('u', 'a'))}\nend`,
  `${frames(question('r', 'a'))}\nsay\n${frames(resume('t', 'a'), abort('t'))}\nwait\n${frames(resume('v', 'a', 0))}\nend`,
  frames(resume('r', 'of-bob'), abort('r'), question('s', 'of-bob'), resume('t', 'of-bob', 4)),
  `${frames({ ...question('r', 'a'), headers: { authorization: 'Bearer x' } }, question('r', 'a', { system: 'x' }))}\nend`,
  'null\n[]\n{}\n""\n{"type":"send"}\n{"type":"abort","requestId":7}\n{"type":"resume","requestId":"r","id":""}',
];

export const chatSocket: FuzzTarget = {
  name: 'chat socket',
  corpus: CORPUS,
  words: [
    '\nsay\n',
    '\nend\n',
    '\nfail\n',
    '\nthink\n',
    '\ndrop\n',
    '\nwait\n',
    '"lastSequence":',
    '"requestId":"r"',
    '"id":"a"',
    'of-bob',
  ],
  cases: 100,
  open: () => subject(check),
};

async function check(input: string): Promise<void> {
  const core = createCore();
  const chats = new ChatStreams(core.relay, false);
  const connect = (userId: string): FakeSocket => {
    const socket = new FakeSocket();
    const info = { connectionId: 'c', principal: principal(userId, core.clock.now() + 3_600_000) };
    return socket.attach(connectChats(socket, info, core.relay.connect, { chats, ...core }));
  };
  connect(BOB).send(question('r', 'of-bob'));
  await settled();
  core.upstream.last.text(CANARY);
  let alice = connect(ALICE);
  const sockets = [alice];
  for (const line of input.split('\n').slice(0, MOST_LINES)) {
    if (!play(core, line) && line !== 'drop') alice.send(line);
    await settled();
    if (line !== 'drop' && alice.closedWith === undefined) continue;
    alice.drop();
    alice = connect(ALICE);
    sockets.push(alice);
  }
  for (const socket of sockets) await requireSound(socket);
}

/** Whether that line is none of the client's. */
function play({ upstream, clock }: Core, line: string): boolean {
  const calls = upstream.calls.slice(1);
  if (line === 'say') for (const call of calls) call.text('word ');
  else if (line === 'end') calls.at(-1)?.end();
  else if (line === 'fail') calls.at(-1)?.fail();
  else if (line === 'think') calls.at(-1)?.think('hm');
  else if (line === 'wait') clock.advance(30);
  else return false;
  return true;
}

/** Frames and chunks of the library, numbered without gaps until each request is over, and none of it of somebody else. */
async function requireSound({ frames: told, closedWith }: FakeSocket): Promise<void> {
  const next = new Map<string, number>();
  for (const frame of told as unknown as readonly ChatResponse[]) {
    const { type, requestId, sequence = -1, chunk, errorText } = frame;
    assert.equal(typeof requestId, 'string');
    if (type === 'chunk') {
      assert.equal(chunk?.type === 'start', sequence === 0, 'an answer that begins twice');
      assert.equal(sequence, next.get(requestId) ?? sequence, 'a gap');
      next.set(requestId, sequence + 1);
      assert.equal(await faultOf(chunk), undefined);
    } else if (type === 'error') {
      assert.match(errorText ?? '', /^[a-z_]+: /);
    } else {
      assert.ok(['start', 'end', 'no-active'].includes(type), `a frame "${type}"`);
    }
    if (type !== 'chunk') next.delete(requestId);
  }
  assert.doesNotMatch(JSON.stringify(told), new RegExp(CANARY));
  assert.ok(closedWith === undefined || CODES.has(closedWith.code));
}
