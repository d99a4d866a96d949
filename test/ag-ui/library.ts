/** The real client of AG-UI, and its schemas as judges of what the relay sends. */
import { HttpAgent, type HttpAgentConfig } from '@ag-ui/client';
import type { AGUIEvent, BaseEvent, Message } from '@ag-ui/core';
import { EventSchemas } from '@ag-ui/core/schemas';
import { onTestFinished, vi } from 'vitest';
import type { AgUiEvent } from '../../src/ag-ui/events.ts';
import type { TestRelay } from '../support/relay-process.ts';

/** Also to the compiler each event of ours is one of the library's. */
type IsOurs = AgUiEvent extends { type: `${AGUIEvent['type']}` } ? true : never;
export const isOurs: IsOurs = true;

/** What the library says is wrong with an event; undefined where nothing is. No field may be there that it does not know. */
export function faultOf(event: unknown): string | undefined {
  const result = EventSchemas.safeParse(event);
  return result.success ? undefined : `${JSON.stringify(event)}: ${result.error.message}`;
}

/** An event with any of the fields that one may have. */
export type SeenEvent = BaseEvent & { readonly messageId?: string; readonly delta?: string };

/** What the app of a user sees of one run. */
export interface SeenRun {
  /** As the library handed them on: validated, stripped, verified in their order. */
  readonly events: readonly SeenEvent[];
  /** What it removed, since its schemas do not know it. */
  readonly warnings: readonly string[];
  readonly messages: readonly Message[];
  readonly result: unknown;
  /** What `runAgent` rejected with. */
  readonly error: (Error & { status?: number; payload?: unknown }) | undefined;
}

export const QUESTION: Message = { id: 'question-1', role: 'user', content: 'Why is the sky blue?' };

export async function agentOf(
  relay: TestRelay,
  { user = 1, ...config }: Partial<HttpAgentConfig> & { readonly user?: number } = {},
): Promise<HttpAgent> {
  const authorization = `Bearer ${await relay.token(user)}`;
  return new HttpAgent({
    url: `${relay.url}/v1/ag-ui`,
    headers: { authorization },
    initialMessages: [QUESTION],
    ...config,
  });
}

/** Keeps it out of the output until the test ends: it prints what it rejects with. Gives what it has warned of so far. */
function consoleOfTheLibrary(): () => readonly string[] {
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  const error = vi.spyOn(console, 'error').mockReturnValue();
  onTestFinished(() => {
    warn.mockRestore();
    error.mockRestore();
  });
  return () => warn.mock.calls.map(String);
}

/** @param forwarded beside the action */
export async function run(
  agent: HttpAgent,
  forwarded: object = {},
  parameters: Parameters<HttpAgent['runAgent']>[0] = {},
): Promise<SeenRun> {
  const events: SeenEvent[] = [];
  const warned = consoleOfTheLibrary();
  const before = warned().length;
  let result: unknown;
  let error: SeenRun['error'];
  const forwardedProps = { action: 'chat', ...forwarded };
  try {
    const ran = await agent.runAgent(
      { forwardedProps, ...parameters },
      { onEvent: ({ event }) => void events.push(event) },
    );
    result = ran.result;
  } catch (caught) {
    error = caught as NonNullable<SeenRun['error']>;
  }
  const warnings = warned().slice(before);
  return { events, warnings, messages: agent.messages, result, error };
}

export function textOf(messages: readonly Message[]): string {
  return messages
    .filter(({ role }) => role === 'assistant')
    .map(({ content }) => String(content ?? ''))
    .join('');
}
