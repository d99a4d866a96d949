/** A client that does what the given one does, tells the telemetry of each stream, and asks for the chosen model. */
import type { DashClient } from '../client/index.ts';
import type { Telemetry } from './telemetry.ts';

/** `model`: asked for each new stream; undefined leaves it to the relay. */
export function watchClient(
  client: DashClient,
  telemetry: Telemetry,
  model: () => string | undefined,
): DashClient {
  return {
    stream: (request, options = {}) =>
      telemetry.follow((note) =>
        client.stream(
          { ...request, model: model() ?? request.model },
          { ...options, onPhase: both(options.onPhase, note) },
        ),
      ),
    attach: (id, epoch, after, options = {}) =>
      telemetry.follow((note) =>
        client.attach(id, epoch, after, { ...options, onPhase: both(options.onPhase, note) }),
      ),
    onUser: (listener) => client.onUser(listener),
    signOut: () => client.signOut(),
    close: () => client.close(),
  };
}

function both<T>(first: ((value: T) => void) | undefined, second: (value: T) => void): (value: T) => void {
  return (value) => {
    first?.(value);
    second(value);
  };
}
