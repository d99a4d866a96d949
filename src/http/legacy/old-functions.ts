/**
 * `POST /functions/v1/ai-gateway` and `/functions/v1/ai-proxy`: the app's old functions, with their bodies, answers and
 * errors, served by the same runs. `legacy/` knows the shapes; this is their way through the server.
 */
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { isFields } from '../../legacy/fields.ts';
import { oldAnswer, oldError } from '../../legacy/old-answer.ts';
import { type OldBody, type OldEvents, type OldFunction, readOldBody } from '../../legacy/old-body.ts';
import { OldEventText } from '../../legacy/old-events.ts';
import type { OldActions } from '../../legacy/parameters.ts';
import type { Observer } from '../../observability/port.ts';
import { parseHttpRequest } from '../../protocol/parse-client-frame.ts';
import type { RelayError } from '../../protocol/relay-error.ts';
import type { Relay } from '../../relay/relay.ts';
import type { SubscriptionSink } from '../../relay/subscription.ts';
import type { Clock } from '../../time/clock.ts';
import { askerOf } from '../admission/asker.ts';
import { wantsEvents } from '../admission/request-refusal.ts';
import { endingError, errorHeaders } from '../error-response.ts';
import { observedRefusal } from '../error-routes.ts';
import { type EventFraming, EventStreams } from '../routes/event-stream.ts';
import type { Health } from '../routes/operations.ts';
import type { TransportSwitches } from '../routes/transport-config.ts';
import { wholeAnswer } from '../routes/whole-answer.ts';
import type { PassOn } from './pass-on.ts';

/** Largest body of a question whether the function is there, which needs no token: `{"action":"health"}` and little else. */
export const MAX_HEALTH_BYTES = 256;

export interface OldFunctionParts {
  readonly relay: Pick<Relay, 'start'>;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly health: Health;
  readonly actions: OldActions;
  /** The operator's kill switch: off, questions are passed on as well. */
  readonly switches: () => Pick<TransportSwitches, 'relayEnabled'>;
  /** Asks the old function what is not served here; absent where there is none. */
  readonly passOn?: PassOn | undefined;
}

export type OldFunctionHandlers = Required<Pick<RouteOptions, 'handler' | 'errorHandler'>>;

export function oldFunctionHandlers(of: OldFunction, parts: OldFunctionParts): OldFunctionHandlers {
  const { observer, clock, health, actions, switches, passOn } = parts;
  const eventStreams = new EventStreams(clock);
  const refuse = (reply: FastifyReply, error: RelayError): FastifyReply =>
    reply
      .code(error.status)
      .headers(errorHeaders(error))
      .send(oldError(of, error, tierOf(reply.request)));

  const answer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    body: OldAnswerBody,
  ): Promise<unknown> => {
    const command = {
      ...askerOf(request),
      ...parseHttpRequest(body.request),
    };
    const start = (sink: SubscriptionSink) => parts.relay.start(command, sink);
    const events = body.events ?? (wantsEvents(request) ? 'text' : 'none');
    if (events !== 'none') {
      const failed = await eventStreams.serve(reply, start, framingOf(of, events, request));
      return failed === undefined ? undefined : refuse(reply, failed);
    }
    const { ending, content } = await wholeAnswer(reply, start);
    return ending.type === 'error' ? refuse(reply, endingError(ending)) : oldAnswer(of, ending, content);
  };

  return {
    // Who showed no good token learns nothing of what is wrong with the body.
    errorHandler: (error, request, reply) =>
      refuse(reply, observedRefusal(request.refusal ?? error, request, observer)),
    async handler(request, reply) {
      const { refusal, body: old } = request;
      // Switched off, the relay judges no body: what it cannot read may be why.
      if (passOn !== undefined && !switches().relayEnabled.value && refusal === null && isFields(old))
        return await passOn.ask(of, JSON.stringify(old), reply);
      const body = readOldBody(of, old, actions);
      if (body.asks === 'health') return sendHealth(reply, health, clock);
      if (refusal !== null) throw refusal;
      if (body.asks === 'answer') return await answer(request, reply, body);
      if (passOn === undefined) throw body.error;
      return await passOn.ask(of, JSON.stringify(old), reply);
    },
  };
}

type OldAnswerBody = Extract<OldBody, { asks: 'answer' }>;

function tierOf({ principal }: FastifyRequest): string | null {
  return principal?.tier ?? null;
}

/** As the old function said it; without a user, since none is known. */
function sendHealth(reply: FastifyReply, { state }: Health, clock: Clock): FastifyReply {
  const timestamp = new Date(clock.now()).toISOString();
  const isReady = state === 'ready';
  return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ok' : state, timestamp, hasApiKey: true });
}

function framingOf(of: OldFunction, events: OldEvents, request: FastifyRequest): EventFraming {
  const text = new OldEventText(of, events);
  const tier = tierOf(request);
  return {
    cutsErrors: true,
    opened: () => '',
    frame: (type, _seq, wire) => (type === 'chunk' ? text.chunk(wire) : ''),
    ended: (frame) => (frame.type === 'error' ? text.error(endingError(frame), tier) : text.end(frame)),
    failed: (error) => text.error(error, tier),
  };
}
