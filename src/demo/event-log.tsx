import type { ReactElement } from 'react';
import type { LoggedEvent } from './reading.ts';

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** What happened, the latest first. Not a live region: what matters is said by the assistant. */
export function EventLog({ happenings }: { readonly happenings: readonly LoggedEvent[] }): ReactElement {
  return (
    <section aria-labelledby="happenings-title">
      <h3 id="happenings-title">What happened</h3>
      {happenings.length === 0 ? (
        <p className="hint">
          Choose the very long answer, ask something, and cut the network while it is on its way.
        </p>
      ) : (
        <ol className="happenings">
          {happenings.toReversed().map(({ id, at, text, tone }) => (
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
