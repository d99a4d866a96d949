/** Ids of what an answer becomes at a client: of its text the stream's own, of all else that with a suffix. */
import { hash } from 'node:crypto';

/** The stream of a run: the same for the same run of the same thread, so that who asks again gets the run that is there. */
export function streamIdOf(threadId: string, runId: string): string {
  return `agui-${hash('sha256', JSON.stringify([threadId, runId]), 'base64url').slice(0, DIGITS)}`;
}

/** 132 bits. */
const DIGITS = 22;

/** What was thought after the delta of that number. */
export function reasoningId(streamId: string, after: number): string {
  return `${streamId}.thought-${after}`;
}

export function activityId(streamId: string, call: number): string {
  return `${streamId}.tool-${call}`;
}
