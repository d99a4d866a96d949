/** Under the hood: figures, faults to make, and the log of events. */
import { type ReactElement, useSyncExternalStore } from 'react';
import { CLAIM } from './catalogue.ts';
import type { Demo } from './create-demo.ts';
import { EventLog } from './event-log.tsx';
import { FaultControls } from './fault-controls.tsx';
import { Figures } from './figures.tsx';

export interface PanelProps {
  readonly demo: Demo;
  /** Closed it keeps what was chosen in it. */
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onFault: () => void;
}

const BY = { websocket: 'by WebSocket', sse: 'by SSE', json: 'by JSON' } as const;

export function Panel({ demo, isOpen, onClose, onFault }: PanelProps): ReactElement {
  const { telemetry } = demo;
  const reading = useSyncExternalStore(telemetry.subscribe, telemetry.read);
  const { transport, events } = reading;
  return (
    <aside className="panel" id="panel" aria-labelledby="panel-title" hidden={!isOpen}>
      <header className="panel-head">
        <h2 id="panel-title">Under the hood</h2>
        <span className="chip">{transport === undefined ? 'not connected yet' : BY[transport]}</span>
        <button type="button" className="icon-button" aria-label="Close the panel" onClick={onClose}>
          <svg viewBox="0 0 20 20" aria-hidden="true">
            <path d="M5 5l10 10M15 5L5 15" />
          </svg>
        </button>
      </header>
      <p className="hint">{CLAIM}</p>
      <Figures reading={reading} />
      <section aria-labelledby="faults-title">
        <h3 id="faults-title">Faults to make</h3>
        <FaultControls demo={demo} onFault={onFault} />
      </section>
      <EventLog events={events} />
    </aside>
  );
}
