/** Answers of a chat by the names of their streams, those that other pages and devices read among them. */
import type { DashClient } from '../client/create-dash-client.ts';
import { DashError, failure } from '../client/dash-error.ts';
import type { Answer, DashStream } from '../client/dash-stream.ts';
import type { Refusal } from '../client/relay-http.ts';
import type { EndingFrame, ListedStream } from '../protocol/frames.ts';

/** How an answer that was to be stopped ended, and what was billed. `done`: it was faster. */
export type Receipt = Pick<Answer, 'outcome' | 'usage' | 'timing'>;

/** @param prefix of the chat. Only the newest hundred streams of the user are searched. */
export async function newestAnswer(
  client: Pick<DashClient, 'streams'>,
  prefix: string,
): Promise<ListedStream | undefined> {
  const { streams } = await client.streams({ limit: 100 });
  return streams.find(({ id }) => id.startsWith(prefix));
}

/**
 * @param open what is read here, if anything is; otherwise the newest answer is meant
 * @returns undefined where nothing is live. @throws DashError
 */
export async function stopAnswer(
  client: Pick<DashClient, 'streams' | 'request'>,
  open: DashStream | undefined,
  prefix: string,
): Promise<Receipt | undefined> {
  if (open) return await open.cancel();
  const found = await newestAnswer(client, prefix);
  return found?.state === 'live' ? await stopByName(client, found.id) : undefined;
}

/** What is read elsewhere alone: who reads it is told of the ending there. @throws DashError */
async function stopByName(client: Pick<DashClient, 'request'>, id: string): Promise<Receipt> {
  const reply = await client.request(`/v1/streams/${id}`, { method: 'DELETE' }).catch(() => ({}) as Refusal);
  if (!('response' in reply)) throw new DashError(reply.error ?? failure('unreachable', true));
  const ending = (await reply.response.json().catch(() => undefined)) as EndingFrame | undefined;
  if (ending?.type === 'error') throw new DashError(ending);
  if (!ending?.usage) throw new DashError(failure('unreachable', true)); // not the relay's
  return { outcome: ending.type, usage: ending.usage, timing: ending.timing };
}
