/** The dashboards as they are committed: what their descriptions say, whole, and with links that lead somewhere. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DASHBOARDS, fileOf, jsonOf } from '../../scripts/write-dashboards.ts';
import { anchors } from './runbook-entries.ts';

const panels = DASHBOARDS.flatMap(({ name, rows }) =>
  rows.flatMap((row) => row.panels.map((panel) => ({ name, ...panel }))),
);

it('docs/grafana has them as `npm run docs:dashboards` writes them', () => {
  for (const dashboard of DASHBOARDS)
    expect(readFileSync(fileOf(dashboard), 'utf8'), fileOf(dashboard)).toBe(jsonOf(dashboard));
});

it('each panel says what it shows, once within its dashboard, and its entry of the runbook is there', () => {
  const titles = panels.map(({ name, title }) => `${name}: ${title}`);
  expect(new Set(titles).size).toBe(titles.length);
  expect(panels.filter(({ says }) => !says.endsWith('.'))).toEqual([]);
  expect(
    panels.flatMap(({ entry }) => (entry === undefined || anchors.includes(entry) ? [] : entry)),
  ).toEqual([]);
});

it('panels lie beside and below each other, and no two have one id', () => {
  for (const dashboard of DASHBOARDS) {
    const { panels: placed = [] } = JSON.parse(jsonOf(dashboard)) as { panels?: Placed[] };
    expect(new Set(placed.map(({ id }) => id)).size).toBe(placed.length);
    const cells = placed.flatMap(({ gridPos }) => cellsOf(gridPos));
    expect(new Set(cells).size).toBe(cells.length);
    expect(placed.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  }
});

interface Placed {
  readonly id: number;
  readonly gridPos: Rectangle;
}

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

function cellsOf({ x, y, w, h }: Rectangle): string[] {
  return Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`);
}
