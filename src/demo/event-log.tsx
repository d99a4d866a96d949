import type { ReactElement } from 'react';
import type { LoggedEvent } from './reading.ts';

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** What happened, the latest first. Not a live region: what matters is said by the assistant. */
export function EventLog({ events }: { readonly events: readonly LoggedEvent[] }): ReactElement {
  return (
    <section aria-labelledby="events-title">
      <h3 id="events-title">What happened</h3>
      {events.length === 0 ? (
        <p className="hint">
          Choose the very long answer, ask something, and cut the network while it is on its way.
        </p>
      ) : (
        <ol className="events">
          {events.toReversed().map(({ id, at, text, tone }) => (
            <li key={id} data-tone={tone}>
              <time>{clock.format(at)}</time>
              <span>{text}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
