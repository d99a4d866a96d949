/** A relay whose action `chat` has tools, a simulated model that asks for them, and the endpoint that answers. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../../src/config/environment.ts';
import type { ServerFrame, ToolFrame } from '../../src/protocol/frames.ts';
import { connectClient, type RelayClient, type StartFields } from '../support/relay-client.ts';
import { dataDirectory, type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';
import { startToolServer, TOOLS_SECRET, type ToolHandler, type ToolServer } from './tool-server.ts';

export const TOPIC_SCHEMA = {
  type: 'object',
  properties: { topic: { type: 'string' }, limit: { type: 'integer' } },
  required: ['topic'],
  additionalProperties: false,
};

export interface ScenePlan {
  readonly handler: ToolHandler;
  /** Of the action. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Of each of its two tools. */
  readonly toolSettings?: Readonly<Record<string, unknown>>;
  readonly environment?: Environment;
}

export interface Scene extends AsyncDisposable {
  readonly relay: SimulatedRelay;
  readonly tools: ToolServer;
  readonly client: RelayClient;
  /** Bodies of the requests to the model. */
  bodies(): readonly MessagesBody[];
  start(fields?: StartFields): ReturnType<RelayClient['start']>;
}

export interface MessagesBody {
  readonly model: string;
  readonly tools?: readonly Readonly<Record<string, unknown>>[];
  readonly tool_choice?: unknown;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
}

/** Writes the actions of such a relay into a directory. */
export function writeActions(
  directory: string,
  url: string,
  plan: Pick<ScenePlan, 'settings' | 'toolSettings'> = {},
): string {
  const file = join(directory, 'actions.json');
  const tool = (name: string) => ({
    name,
    description: `Finds ${name}.`,
    inputSchema: TOPIC_SCHEMA,
    url: `${url}/${name}`,
    ...plan.toolSettings,
  });
  const tools = [{ ...tool('lessons'), label: 'Looking in your lessons…' }, tool('books')];
  const chat = { system: 'Be kind.', defaultMaxTokens: 500, maxTokens: 1000, tools, ...plan.settings };
  writeFileSync(
    file,
    JSON.stringify({ chat, plain: { system: '', defaultMaxTokens: 900, maxTokens: 1000 } }),
  );
  return file;
}

export async function startScene(plan: ScenePlan): Promise<Scene> {
  const data = dataDirectory();
  const tools = await startToolServer(plan.handler);
  const relay = await startSimulatedRelay(
    { pace: { firstTokenMs: 5, deltasPerSecond: 2000 }, keepBodies: true },
    { ACTIONS_FILE: writeActions(data.path, tools.url, plan), TOOLS_SECRET, ...plan.environment },
  );
  const client = await connectClient({ url: relay.url, token: await relay.token() });
  return {
    relay,
    tools,
    client,
    bodies: () => relay.simulator.requests.map(({ body }) => body as MessagesBody),
    start: (fields = {}) => client.start({ model: 'sim:tool', ...fields }),
    async [Symbol.asyncDispose]() {
      await client.close();
      await relay[Symbol.asyncDispose]();
      await tools[Symbol.asyncDispose]();
      data[Symbol.dispose]();
    },
  };
}

/** The frames of tools in short: `1 lessons running`. */
export function toldOfTools(frames: readonly ServerFrame[]): string[] {
  return frames
    .filter((frame): frame is ToolFrame => frame.type === 'tool')
    .map(({ call, name, state }) => `${call} ${name} ${state}`);
}
