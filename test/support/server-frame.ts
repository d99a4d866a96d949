/**
 * Every frame of the relay as PROTOCOL.md has it, and nothing else: a field or a value it does not name is an error. By the schemas
 * of the contract, and narrower where a frame is of two kinds, or a field that another kind lacks is always there.
 */
import { z } from 'zod';
import { listedStream, ms, SERVER_FRAMES } from '../../scripts/contracts/server-frames.ts';
import { ERROR_CODES } from '../../src/protocol/codes.ts';
import type { ServerFrame } from '../../src/protocol/frames.ts';

const { stream, cancelled, ...frames } = SERVER_FRAMES;

const frame = z.discriminatedUnion('type', [
  frames.hello,
  frames.accepted,
  frames.chunk,
  frames.event,
  frames.thinking,
  frames.tool,
  frames.resumed,
  frames.done,
  cancelled.extend({ timing: cancelled.shape.timing.extend({ upstreamClosedMs: ms }) }),
  frames.error,
  frames.streams,
  z.discriminatedUnion('state', [
    listedStream.extend({ type: stream.shape.type }),
    stream.pick({ type: true, id: true, epoch: true }).extend({ state: z.literal('erased') }),
  ]),
  frames.authenticated,
  frames.token_expiring,
  frames.going_away,
  frames.config,
  frames.pong,
]);

/** @throws Error that says what of the frame is not in the protocol */
export function parseServerFrame(json: string): ServerFrame {
  const result = frame.safeParse(JSON.parse(json));
  if (!result.success)
    throw new Error(`not a frame of the protocol: ${json}\n${z.prettifyError(result.error)}`);
  const parsed = result.data as ServerFrame;
  if (parsed.type === 'error' && parsed.retryable !== ERROR_CODES[parsed.code].retryable) {
    throw new Error(`the table of codes says otherwise of "retryable": ${json}`);
  }
  return parsed;
}
