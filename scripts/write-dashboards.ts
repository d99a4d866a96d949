/** `npm run docs:dashboards`: writes the dashboards of docs/grafana from their descriptions, as JSON that Grafana imports. */
import { writeFileSync } from 'node:fs';
import { type DashboardDescription, dashboardOf } from './dashboards/dashboard.ts';
import { fleet } from './dashboards/fleet.ts';
import { machine } from './dashboards/machine.ts';
import { money } from './dashboards/money.ts';
import { rollout } from './dashboards/rollout.ts';

export const DASHBOARDS: readonly DashboardDescription[] = [machine, fleet, rollout, money];

/** From the root of the checkout. */
export function fileOf({ name }: DashboardDescription): string {
  return `docs/grafana/dashboards/${name}.json`;
}

export function jsonOf(description: DashboardDescription): string {
  return `${JSON.stringify(dashboardOf(description), null, 2)}\n`;
}

if (import.meta.main)
  for (const description of DASHBOARDS)
    writeFileSync(new URL(`../${fileOf(description)}`, import.meta.url), jsonOf(description));
