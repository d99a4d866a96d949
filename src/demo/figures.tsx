/** The panel's figures: a number in words, and a plot of how it came about. */
import type { ReactElement, ReactNode } from 'react';
import { deltasPerSecond, type Reading } from './reading.ts';
import { Bars, Line } from './sparkline.tsx';

/** What the plan asks of first words, ms: a bar of that height fills the plot. */
const FIRST_WORDS_TOP_MS = 1500;
const PLACES = 20;
const number = new Intl.NumberFormat('en');

export function Figures({ reading }: { readonly reading: Reading }): ReactElement {
  const { firstWordsMs, deltas, resumes, answers, inputTokens, outputTokens, live } = reading;
  const latest = firstWordsMs.at(-1);
  const speed = deltasPerSecond(reading);
  return (
    <dl className="figures">
      <Figure
        name="First words"
        value={latest === undefined ? '–' : number.format(latest)}
        unit="ms"
        note="from Send"
      >
        <Bars
          values={firstWordsMs}
          places={PLACES}
          atLeast={FIRST_WORDS_TOP_MS}
          label={`First words of the latest ${firstWordsMs.length} answers, ms: ${firstWordsMs.join(', ') || 'none yet'}`}
        />
      </Figure>
      <Figure name="Speed" value={number.format(Math.round(speed))} unit="deltas/s" note={answering(live)}>
        <Line
          values={deltas}
          atLeast={12}
          label={`Deltas over fifteen seconds, now ${Math.round(speed)} a second`}
        />
      </Figure>
      <Figure
        name="Tokens"
        value={number.format(outputTokens)}
        unit="out"
        note={`${number.format(inputTokens)} in`}
      >
        <Bars
          values={answers}
          places={PLACES}
          atLeast={100}
          label={`Tokens of the latest ${answers.length} answers: ${answers.join(', ') || 'none yet'}`}
        />
      </Figure>
      <Figure name="Resumes" value={number.format(resumes)} unit="" note="none lost, none twice" />
    </dl>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly unit: string;
  readonly note: string;
  readonly children?: ReactNode;
}

function Figure({ name, value, unit, note, children }: FigureProps): ReactElement {
  return (
    <div className="figure">
      <dt>{name}</dt>
      <dd>
        <span>
          <span className="figure-value">{value}</span> <span className="figure-unit">{unit}</span>
        </span>
        {children}
        <span className="figure-note">{note}</span>
      </dd>
    </div>
  );
}

function answering(live: number): string {
  if (live === 0) return 'at rest';
  return live === 1 ? '1 answer now' : `${live} answers now`;
}
