/** What a panel of our dashboards says, and the panel of Grafana that shows it: units, thresholds and links alike everywhere. */

import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as LinesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** In the words of Grafana. `percentunit`: 1 is 100 %. */
export type Unit = 's' | 'percentunit' | 'bytes' | 'currencyUSD' | 'reqps' | 'short' | 'Bps' | 'bool_on_off';

export interface Query {
  readonly expr: string;
  /** Of a series: `{{label}}` stands for the label's value. */
  readonly legend: string;
}

/** From which value it is worth a look, and from which somebody has to act; below `ok` where less is worse. */
export interface Lines {
  readonly look?: number;
  readonly act: number;
  readonly lessIsWorse?: boolean;
}

export interface PanelDescription {
  readonly kind: 'lines' | 'areas' | 'stat' | 'table';
  readonly title: string;
  /** What it shows, and what to make of it. */
  readonly says: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  readonly lines?: Lines;
  /** Of the runbook: what to do where it is not as it should be. */
  readonly entry?: string;
  /** Of 24. */
  readonly width: number;
}

export const HEIGHTS = { lines: 8, areas: 8, stat: 4, table: 7 } as const;
export const DATASOURCE = { type: 'prometheus', uid: '$datasource' };
const COLOURS = { ok: 'green', look: 'yellow', act: 'red' } as const;

export function lines(title: string, says: string, unit: Unit, queries: readonly Query[], more: More = {}) {
  return { kind: 'lines', title, says, unit, queries, width: 12, ...more } as const;
}

/** One upon the other. */
export function areas(title: string, says: string, unit: Unit, queries: readonly Query[], more: More = {}) {
  return { kind: 'areas', title, says, unit, queries, width: 12, ...more } as const;
}

/** The last value, large. */
export function stat(title: string, says: string, unit: Unit, expr: string, more: More = {}) {
  return { kind: 'stat', title, says, unit, queries: [{ expr, legend: title }], width: 4, ...more } as const;
}

type More = Partial<Pick<PanelDescription, 'lines' | 'entry' | 'width'>>;

/** @param id of the panel within its dashboard */
export function panelOf(description: PanelDescription, id: number): Panel {
  const { kind, title, says, entry, width, queries } = description;
  const builder = builderOf(description)
    .id(id)
    .title(title)
    .description(says)
    .datasource(DATASOURCE)
    .span(width)
    .height(HEIGHTS[kind]);
  for (const [index, query] of queries.entries()) builder.withTarget(targetOf(query, index, kind));
  if (entry !== undefined) {
    const url = `\${runbook}#${entry}`;
    builder.links([
      new DashboardLinkBuilder('Runbook').type(DashboardLinkType.Link).url(url).targetBlank(true),
    ]);
  }
  return builder.build();
}

function targetOf({ expr, legend }: Query, index: number, kind: PanelDescription['kind']) {
  const target = new DataqueryBuilder()
    .refId(String.fromCharCode('A'.charCodeAt(0) + index))
    .datasource(DATASOURCE)
    .expr(expr)
    .legendFormat(legend);
  if (kind === 'table') return target.instant().format(PromQueryFormat.Table);
  return kind === 'stat' ? target.instant() : target.range();
}

function builderOf({ kind, unit, lines: limits, queries }: PanelDescription) {
  if (kind === 'stat') return statOf(unit, limits);
  if (kind === 'table') return new TableBuilder().unit(unit);
  const builder = new LinesBuilder()
    .unit(unit)
    .min(0)
    .lineWidth(1)
    .fillOpacity(kind === 'areas' ? 25 : 0)
    .showPoints(VisibilityMode.Never)
    .thresholds(thresholdsOf(limits))
    .thresholdsStyle(
      new GraphThresholdsStyleConfigBuilder().mode(
        limits === undefined ? GraphThresholdsStyleMode.Off : GraphThresholdsStyleMode.Dashed,
      ),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(queries.length > 0)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    );
  if (kind === 'areas') builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
  return builder;
}

function statOf(unit: Unit, limits: Lines | undefined) {
  return new StatBuilder()
    .unit(unit)
    .thresholds(thresholdsOf(limits))
    .colorMode(limits === undefined ? BigValueColorMode.None : BigValueColorMode.Background)
    .graphMode(BigValueGraphMode.None)
    .noValue('no data')
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']));
}

/** Grafana's steps begin at the value and hold upwards. */
function thresholdsOf(limits: Lines | undefined): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(stepsOf(limits));
}

function stepsOf(limits: Lines | undefined): Threshold[] {
  if (limits === undefined) return [{ value: null, color: COLOURS.ok }];
  const { look, act, lessIsWorse = false } = limits;
  if (!lessIsWorse)
    return [
      { value: null, color: COLOURS.ok },
      ...(look === undefined ? [] : [{ value: look, color: COLOURS.look }]),
      { value: act, color: COLOURS.act },
    ];
  return [
    { value: null, color: COLOURS.act },
    ...(look === undefined ? [] : [{ value: act, color: COLOURS.look }]),
    { value: look ?? act, color: COLOURS.ok },
  ];
}
