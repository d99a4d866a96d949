/** A connection of the core, whose client sends frames in any order, whole or broken: one a line. */
import assert from 'node:assert/strict';
import type { Authenticator } from '../../../src/auth/port.ts';
import { CLOSE_CODES } from '../../../src/protocol/codes.ts';
import type { ServerFrame } from '../../../src/protocol/frames.ts';
import { BOB, createCore, start, tokenTable } from '../../support/core.ts';
import type { FakeSocket } from '../../support/fake-socket.ts';
import { settled } from '../../support/quiet.ts';
import { parseServerFrame } from '../../support/server-frame.ts';
import { type FuzzTarget, subject } from '../fuzz-target.ts';

const CODES: ReadonlySet<number> = new Set(Object.values(CLOSE_CODES));
/** What Bob says, and what Alice must never be told. */
const CANARY = 'canary-of-bob';
const MOST_LINES = 120;
/** Longer than anything is waited for. */
const AFTER_ALL_MS = 900_000;

const EPOCH = 'AAAAAAAAAAAAAAAA';
const frame = (...frames: readonly unknown[]): string =>
  frames.map((each) => JSON.stringify(each)).join('\n');

/** `say`, `end`, `fail`, `think`: what the model does. `drop`: the client goes, and comes back. `wait`: time passes. */
const CORPUS = [
  `${frame(start('a'))}\nsay\nend`,
  `${frame(start('a'), start('b'), { type: 'ack', id: 'a', seq: 1 })}\nsay\nsay\n${frame({ type: 'cancel', id: 'a' })}\nend\n${frame({ type: 'cancel', id: 'a' })}`,
  `${frame(start('a'))}\nsay\ndrop\n${frame({ type: 'resume', id: 'a', epoch: EPOCH, after: 0 }, start('a'))}\nsay\nend\n${frame({ type: 'resume', id: 'a', epoch: EPOCH, after: 1 })}`,
  frame(
    { type: 'resume', id: 'of-bob', epoch: EPOCH, after: 0 },
    { type: 'cancel', id: 'of-bob' },
    { type: 'ack', id: 'of-bob', seq: 1 },
    start('of-bob'),
  ),
  `${frame({ type: 'watch' }, start('w'))}\nsay\nend\n${frame({ type: 'watch', id: 'w' }, { type: 'watch' })}\ndrop\n${frame({ type: 'watch' })}`,
  `${frame(start('t', { action: 'trace', events: 'all' }))}\nthink\nsay\nfail\n${frame(start('t', { action: 'trace', events: 'all' }))}`,
  `${frame({ type: 'auth', token: '11111111-1111-4111-8111-111111111111@9999999999999' }, { type: 'auth', token: `${BOB}@9` }, { type: 'auth', token: 'unavailable' })}\nwait`,
  `${frame({ type: 'ping', t: 1 }, { messages: [{ role: 'user', content: 'hi' }] })}\nsay\ndrop\nwait\n${frame(start('a'), start('a', { maxTokens: 1 }))}`,
  'null\n[]\n{}\n""\n{"type":"start"}\n{"type":"cancel","id":"a"}',
];

/** A real one admits no token whose end is no time. */
const AUTHENTICATOR: Authenticator = {
  ...tokenTable,
  verify: (token) => tokenTable.verify(/^(unavailable|[\w-]+@\d{1,15})$/.test(token) ? token : ''),
};

export const connection: FuzzTarget = {
  name: 'connection',
  corpus: CORPUS,
  words: [
    '\nsay\n',
    '\nend\n',
    '\nfail\n',
    '\nthink\n',
    '\ndrop\n',
    '\nwait\n',
    '"seq":',
    '"after":',
    '"id":"a"',
    'of-bob',
  ],
  cases: 150,
  open: () => subject(check),
};

async function check(input: string): Promise<void> {
  const core = createCore({ authenticator: AUTHENTICATOR });
  const bob = core.connect(BOB);
  bob.send(start('of-bob'));
  await settled();
  core.upstream.last.text(CANARY);
  let alice = core.connect();
  const sockets = [alice];
  for (const line of input.split('\n').slice(0, MOST_LINES)) {
    const calls = core.upstream.calls.slice(1);
    if (line === 'say') for (const call of calls) call.text('word ');
    else if (line === 'end') calls.at(-1)?.end();
    else if (line === 'fail') calls.at(-1)?.fail();
    else if (line === 'think') calls.at(-1)?.think('hm');
    else if (line === 'wait') core.clock.advance(30_000);
    else if (line !== 'drop') alice.send(line);
    if (line === 'drop' || alice.closedWith !== undefined) {
      await settled();
      alice.drop();
      alice = core.connect();
      sockets.push(alice);
    }
    await settled();
  }
  for (const socket of sockets) requireSound(socket);
  requireOneEnding(sockets);
  await leave(core, alice, bob);
}

/** Everybody goes: each run has one row, and comes to its end. */
async function leave(core: ReturnType<typeof createCore>, ...sockets: readonly FakeSocket[]): Promise<void> {
  for (const socket of sockets) socket.drop();
  await settled();
  for (let passed = 0; passed < AFTER_ALL_MS; passed += AFTER_ALL_MS / 6) {
    core.clock.advance(AFTER_ALL_MS / 6);
    await settled();
  }
  const rows = core.rows();
  assert.equal(rows.length, core.upstream.calls.length, 'one row for each call');
  assert.ok(rows.every(({ status }) => status !== 'running'));
  assert.equal(core.upstream.openRequests, 0);
  assert.equal(core.logs.heldBytes, 0);
}

/** Each frame as PROTOCOL.md has it, none of it of somebody else. */
function requireSound({ frames, closedWith }: FakeSocket): void {
  for (const each of frames) parseServerFrame(JSON.stringify(each));
  assert.doesNotMatch(JSON.stringify(frames), new RegExp(CANARY));
  assert.ok(closedWith === undefined || CODES.has(closedWith.code));
}

/** Of one run: told again it is the same. Which run an ending is of shows in what came before it. */
function requireOneEnding(sockets: readonly FakeSocket[]): void {
  const endings = new Map<string, string>();
  const epochs = new Map<string, string>();
  for (const each of sockets.flatMap(({ frames }) => frames)) {
    if (each.type === 'accepted' || each.type === 'resumed') epochs.set(each.id, each.epoch);
    if (!isEnding(each)) continue;
    const epoch = epochs.get(each.id);
    if (epoch === undefined) continue; // cancelled by its id alone
    const told = JSON.stringify(each);
    assert.equal(endings.get(epoch) ?? told, told, 'a run ended twice');
    endings.set(epoch, told);
  }
}

function isEnding(frame: ServerFrame): frame is Extract<ServerFrame, { type: 'done' | 'cancelled' }> {
  return (
    frame.type === 'done' ||
    frame.type === 'cancelled' ||
    (frame.type === 'error' && frame.of === undefined && frame.id !== undefined)
  );
}
