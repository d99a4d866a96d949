/** The panel's controls: what can be done to the network, the token, the transport and the model. */
import { type ReactElement, useEffect, useState } from 'react';
import type { Transport } from '../client/index.ts';
import { useDash } from '../react/dash-provider.tsx';
import { mintConversationId } from '../react/store/conversations.ts';
import { CUT_MS, MODELS, QUESTIONS, TRANSPORTS } from './catalogue.ts';
import type { Demo } from './create-demo.ts';

export interface FaultControlsProps {
  readonly demo: Demo;
  /** Where the panel lies over the page, it makes room for what happens now. */
  readonly onFault: () => void;
}

export function FaultControls({ demo, onFault }: FaultControlsProps): ReactElement {
  const { expireToken } = demo;
  return (
    <div className="faults">
      <CutButton demo={demo} onFault={onFault} />
      <SlowButton demo={demo} />
      {expireToken && (
        <button type="button" className="button" onClick={() => void expireToken()}>
          Expire the token
        </button>
      )}
      <ThreeButton />
      <TransportChoice demo={demo} />
      <ModelChoice demo={demo} />
    </div>
  );
}

function ThreeButton(): ReactElement {
  const { conversations } = useDash();
  const ask = (): void => {
    for (const { action, question } of QUESTIONS) {
      conversations.get(mintConversationId()).send(question, { action });
    }
  };
  return (
    <button type="button" className="button" onClick={ask}>
      Ask three at once
    </button>
  );
}

function CutButton({ demo, onFault }: FaultControlsProps): ReactElement {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    if (seconds === 0) return;
    const timer = setTimeout(() => setSeconds(seconds - 1), 1000);
    return () => clearTimeout(timer);
  }, [seconds]);
  const cut = (): void => {
    demo.cut(CUT_MS);
    setSeconds(CUT_MS / 1000);
    onFault();
  };
  return (
    <button type="button" className="button button-danger" onClick={cut}>
      {seconds === 0 ? 'Cut the network' : `Back in ${seconds} s`}
    </button>
  );
}

function SlowButton({ demo }: { readonly demo: Demo }): ReactElement {
  const [on, setOn] = useState(false);
  const toggle = (): void => {
    demo.slow(!on);
    setOn(!on);
  };
  return (
    <button type="button" className="button" aria-pressed={on} onClick={toggle}>
      Slow network
    </button>
  );
}

function TransportChoice({ demo }: { readonly demo: Demo }): ReactElement {
  const [chosen, setChosen] = useState<Transport>('websocket');
  const choose = (transport: Transport): void => {
    demo.prescribe(transport);
    setChosen(transport);
  };
  return (
    <fieldset className="transports">
      <legend>Transport</legend>
      <div className="segments">
        {TRANSPORTS.map(({ transport, label }) => (
          <label key={transport} className="segment">
            <input
              type="radio"
              name="transport"
              checked={chosen === transport}
              onChange={() => choose(transport)}
            />
            <span>{label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function ModelChoice({ demo }: { readonly demo: Demo }): ReactElement {
  return (
    <label className="choice">
      <span>Simulated model</span>
      <select onChange={({ target }) => demo.choose(target.value)}>
        {MODELS.map(({ model, label }) => (
          <option key={model} value={model}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}
