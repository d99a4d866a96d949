/** Small plots, drawn by hand: a line for what goes on, bars for what is counted one by one. */
import type { ReactElement } from 'react';

const WIDTH = 120;
const HEIGHT = 32;
const BAR_GAP = 1.5;

export interface SparklineProps {
  /** Oldest first. */
  readonly values: readonly number[];
  /** What a screen reader says instead. */
  readonly label: string;
  /** The plot's top is at least this much. */
  readonly atLeast: number;
}

export function Line({ values, label, atLeast }: SparklineProps): ReactElement {
  const top = Math.max(atLeast, ...values);
  const points = values.map((value, i) => {
    const x = (i / Math.max(1, values.length - 1)) * WIDTH;
    return `${x.toFixed(1)} ${(HEIGHT - 1 - (value / top) * (HEIGHT - 2)).toFixed(1)}`;
  });
  return (
    <Plot label={label}>
      <path className="plot-area" d={`M0 ${HEIGHT} L${points.join(' L')} L${WIDTH} ${HEIGHT} Z`} />
      <path className="plot-line" d={`M${points.join(' L')}`} vectorEffect="non-scaling-stroke" />
    </Plot>
  );
}

/** The newest bar stands at the right, in the strong colour. */
export function Bars({
  values,
  label,
  atLeast,
  places,
}: SparklineProps & { readonly places: number }): ReactElement {
  const top = Math.max(atLeast, ...values);
  const step = WIDTH / places;
  const first = places - values.length;
  return (
    <Plot label={label}>
      {Array.from({ length: places }, (_, place) => {
        const value = values[place - first];
        const height = value === undefined ? 1 : Math.max(2, (value / top) * HEIGHT);
        const kind = value === undefined ? 'plot-none' : place === places - 1 ? 'plot-newest' : 'plot-bar';
        return (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: a place is what it is
            key={place}
            className={kind}
            x={place * step}
            y={HEIGHT - height}
            width={step - BAR_GAP}
            height={height}
            rx={0.8}
          />
        );
      })}
    </Plot>
  );
}

function Plot({
  label,
  children,
}: {
  readonly label: string;
  readonly children: React.ReactNode;
}): ReactElement {
  return (
    <svg
      className="plot"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
    >
      {children}
    </svg>
  );
}
