/** A dashboard of rows of panels, with the variables and links that all of ours have. */
import {
  AnnotationQueryBuilder,
  ConstantVariableBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DATASOURCE, HEIGHTS, type PanelDescription, panelOf } from './panel.ts';

export interface Row {
  readonly title: string;
  readonly panels: readonly PanelDescription[];
}

export interface DashboardDescription {
  /** Of its file, and of its address in Grafana. */
  readonly name: string;
  readonly title: string;
  readonly says: string;
  /** Whether it is of one machine: `$instance`. */
  readonly ofMachine?: boolean;
  /** How far back it looks at first, such as `now-6h`. */
  readonly from: string;
  readonly rows: readonly Row[];
}

const TAG = 'dash-relay';
const COLUMNS = 24;

export function dashboardOf({
  name,
  title,
  says,
  ofMachine = false,
  from,
  rows,
}: DashboardDescription): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(`dash-relay-${name}`)
    .description(says)
    .tags([TAG])
    .readonly()
    .time({ from, to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder('Dash Relay').type(DashboardLinkType.Dashboards).tags([TAG]).keepTime(true),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
    .withVariable(labelVariable('job', 'label_values(dash_build_info, job)'))
    .withVariable(
      new ConstantVariableBuilder('runbook').label('Address of the runbook').value('docs/runbook.md'),
    )
    .annotation(firingAlerts());
  if (ofMachine) {
    builder.withVariable(labelVariable('instance', 'label_values(dash_build_info{job="$job"}, instance)'));
  }
  const { panels, ...dashboard } = builder.build();
  return { ...dashboard, panels: placed(rows) };
}

function labelVariable(name: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(name)
    .datasource(DATASOURCE)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged);
}

/** What fires, as marks on every timeline. */
function firingAlerts(): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name('Alerts')
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor('red')
    .expr('ALERTS{alertstate="firing",job="$job"}');
}

/** From left to right, then below. */
function placed(rows: readonly Row[]): NonNullable<Dashboard['panels']> {
  const all: NonNullable<Dashboard['panels']> = [];
  let y = 0;
  for (const { title, panels } of rows) {
    all.push({ ...new RowBuilder(title).id(all.length + 1).build(), gridPos: { x: 0, y, w: COLUMNS, h: 1 } });
    y += 1;
    let x = 0;
    let height = 0;
    for (const description of panels) {
      const { width, kind } = description;
      if (x + width > COLUMNS) {
        x = 0;
        y += height;
        height = 0;
      }
      const panel = panelOf(description, all.length + 1);
      all.push({ ...panel, gridPos: { x, y, w: width, h: HEIGHTS[kind] } });
      x += width;
      height = Math.max(height, HEIGHTS[kind]);
    }
    y += height;
  }
  return all;
}
