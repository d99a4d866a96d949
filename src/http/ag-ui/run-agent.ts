/**
 * `POST /v1/ag-ui`: a run of AG-UI, as server-sent events. `ag-ui/` knows the shapes; this is their way through the server.
 */
import type { RouteHandlerMethod } from 'fastify';
import { EventText } from '../../ag-ui/event-text.ts';
import { type RunInput, readRunInput } from '../../ag-ui/run-input.ts';
import { parseHttpRequest } from '../../protocol/parse-client-frame.ts';
import type { Relay } from '../../relay/relay.ts';
import { resumeGap } from '../../run/refusals.ts';
import type { Clock } from '../../time/clock.ts';
import { askerOf } from '../admission/asker.ts';
import { type EventFraming, EventStreams } from '../routes/event-stream.ts';

/** Events whatever the request accepts: the library's clients read the answer by its content type, and know this one. */
export function runAgentHandler(relay: Pick<Relay, 'start' | 'stateOf'>, clock: Clock): RouteHandlerMethod {
  const eventStreams = new EventStreams(clock);
  return async (request, reply) => {
    const input = readRunInput(request.body);
    const command = {
      ...askerOf(request),
      ...parseHttpRequest(input.request),
    };
    if (input.held.units > 0) await requireHeld(input, command.principal.userId, relay);
    const refused = await eventStreams.serve(reply, (sink) => relay.start(command, sink), framingOf(input));
    if (refused !== undefined) throw refused;
  };
}

/**
 * Who holds a part of an answer goes on with that one: another would be written on to it.
 * @throws RelayError unknown_stream, resume_gap
 */
async function requireHeld(
  { names, held }: RunInput,
  userId: string,
  relay: Pick<Relay, 'stateOf'>,
): Promise<void> {
  const { epoch } = await relay.stateOf(userId, names.streamId);
  if (held.epoch !== undefined && held.epoch !== epoch) throw resumeGap();
}

function framingOf({ names, held }: RunInput): EventFraming {
  const text = new EventText(names, held.units);
  return {
    cutsErrors: false,
    opened: ({ acceptedFrame }) => text.opened(acceptedFrame),
    frame(type, seq, wire) {
      if (type === 'chunk') return text.chunk(wire);
      if (type === 'thinking') return text.thinking(wire, seq);
      return type === 'tool' ? text.tool(wire) : '';
    },
    ended: (frame) => text.ended(frame),
    failed: (error) => text.failed(error),
  };
}
