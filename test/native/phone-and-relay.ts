/** A phone and the real relay on one time, with a model that says a word each second. */
import { onTestFinished } from 'vitest';
import type { DashClientOptions, DashStream } from '../../src/client/index.ts';
import { startServer } from '../http/start-server.ts';
import { ALICE, createCore } from '../support/core.ts';
import { FakeAuthenticator, principalOf } from '../support/fake-authenticator.ts';
import { settled } from '../support/quiet.ts';
import type { ScriptedCall } from '../support/scripted-upstream.ts';
import { eventually } from '../support/test-run.ts';
import { type PhoneOptions, startPhone } from './stand-in/phone.ts';

const STEP_MS = 1000;
/** How often one side answers the other within a step: a request, a handshake, a question. */
const TURNS = 3;
const QUESTION = { action: 'chat', messages: [{ role: 'user', content: 'Why is the sky blue?' }] } as const;

export interface Listing {
  readonly stream: DashStream;
  /** What the app was told, in order. */
  readonly chunks: string[];
  readonly endings: string[];
}

/** @param words how long the answer is, in words and seconds */
export async function startPhoneAndRelay(
  words: number,
  {
    deadlineMs,
    transports,
    ...options
  }: PhoneOptions & Pick<DashClientOptions, 'deadlineMs' | 'transports'> = {},
) {
  const authenticator = new FakeAuthenticator();
  const core = createCore({ authenticator });
  const { relay, clock } = core;
  authenticator.tokens.set('alice', principalOf(ALICE, { expiresAt: clock.now() + 3_600_000 }));
  await authenticator.start();
  const server = await startServer({
    authenticator,
    clock,
    connect: (socket, info) => relay.connect(socket, info),
    routes: { relay, clock },
  });
  const phone = await startPhone({ startedAt: clock.now(), ...options });
  const { createDashClient, AppState } = phone.realm.app;
  const { NetInfo } = phone;
  const client = createDashClient({
    url: server.url,
    getToken: () => 'alice',
    AppState,
    NetInfo,
    deadlineMs,
    transports,
  });
  onTestFinished(() => client.close());
  const spoken = new Map<ScriptedCall, number>();

  const speak = (call: ScriptedCall): void => {
    const count = spoken.get(call) ?? 0;
    spoken.set(call, count + 1);
    if (count < words) call.text(`word${count} `);
    else call.end();
  };

  return {
    phone,
    core,
    /** The whole answer. */
    answer: Array.from({ length: words }, (_, count) => `word${count} `).join(''),
    async ask(): Promise<Listing> {
      const chunks: string[] = [];
      const endings: string[] = [];
      const before = core.upstream.calls.length;
      const stream = client.stream(QUESTION, { onChunk: (text) => chunks.push(text) });
      stream.final.then(
        ({ outcome }) => endings.push(outcome),
        ({ code }) => endings.push(code),
      );
      await eventually('the model is asked', () => core.upstream.calls.length > before);
      await settled();
      return { stream, chunks, endings };
    },
    /** Second by second, until the time is over or `until` says so. @returns how long it took, ms */
    async pass(ms: number, until: () => boolean = () => false): Promise<number> {
      let passed = 0;
      while (passed < ms && !until()) {
        passed += STEP_MS;
        for (const call of core.upstream.calls) if (call.ending === null) speak(call);
        clock.advance(STEP_MS);
        phone.clock.advance(STEP_MS);
        await settled();
        for (let turn = 0; turn < TURNS && phone.native.heard; turn++) {
          await phone.native.carried();
          await settled();
        }
      }
      return passed;
    },
  };
}
