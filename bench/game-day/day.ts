/** The day: healthy hours, then one fault after the other, each until its alerts have fired and, mended, are over. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './faults.ts';
import type { LogLine, Machine } from './machine.ts';
import type { Stage } from './stage.ts';

export interface Fired {
  readonly alert: string;
  /** From the beginning of the fault, seconds on the clock. */
  readonly afterSeconds: number;
  /** What it said when it fired. */
  readonly said: string;
}

export interface Outcome {
  readonly fault: Fault;
  /** In the order in which they fired. */
  readonly fired: readonly Fired[];
  /** Alerts that were to fire and did not. */
  readonly missing: readonly string[];
  /** From the mending until none of them fired; null where they did not end in time. Seconds on the clock. */
  readonly resolvedAfterSeconds: number | null;
  /** Lines of level warn and error while it lasted, by event: how many, and the first of each. */
  readonly lines: readonly { readonly event: string; readonly count: number; readonly first: LogLine }[];
}

export interface HealthyHours {
  readonly seconds: number;
  /** Alerts that fired at any moment of them. */
  readonly fired: readonly string[];
  readonly visits: Readonly<Record<string, number>>;
}

/** Counts from the beginning of the day: twelve outages burn it, and it says so for the rest of it. */
const OF_THE_DAY = 'DashRelayAnswersFailSlowly';
const FIRE_WITHIN_MS = 240_000;
const RESOLVE_WITHIN_MS = 180_000;
/** What follows the first alerts is part of the picture. */
const STAYS_MS = 5_000;

export async function healthyHours({ prometheus, visitors }: Stage, seconds: number): Promise<HealthyHours> {
  await delay(seconds * 1000);
  const firing = await prometheus.range('ALERTS{alertstate="firing"}', seconds, prometheus.scrapeMs / 1000);
  return {
    seconds,
    fired: [...new Set(firing.map(({ metric }) => metric['alertname'] ?? ''))],
    visits: Object.fromEntries(visitors.outcomes),
  };
}

export async function playFault(stage: Stage, fault: Fault): Promise<Outcome> {
  const machines = [stage.a, stage.b];
  const marks = machines.map(({ log }) => log.length);
  const before = await stage.prometheus.firing();
  const began = performance.now();
  const end = await fault.begin(stage);
  const fired = await watchUntilFired(stage, fault, began, before);
  await end();
  const lines = noteworthy(machines.flatMap(({ log }: Machine, index) => log.slice(marks[index])));
  const resolvedAfterSeconds = await untilResolved(stage);
  const missing = fault.alerts.filter((alert) => !fired.some((each) => each.alert === alert));
  return { fault, fired, missing, resolvedAfterSeconds, lines };
}

async function watchUntilFired(
  { prometheus }: Stage,
  { alerts }: Fault,
  began: number,
  before: ReadonlySet<string>,
): Promise<readonly Fired[]> {
  const fired = new Map<string, Fired>();
  let stopAt = began + FIRE_WITHIN_MS;
  let complete = false;
  while (performance.now() < stopAt) {
    for (const alert of await prometheus.firing()) {
      if (fired.has(alert) || before.has(alert)) continue;
      const afterSeconds = (performance.now() - began) / 1000;
      fired.set(alert, { alert, afterSeconds, said: await prometheus.saysOf(alert) });
    }
    if (!complete && alerts.every((alert) => fired.has(alert))) {
      complete = true;
      stopAt = performance.now() + STAYS_MS;
    }
    await delay(prometheus.scrapeMs / 2);
  }
  return [...fired.values()];
}

async function untilResolved({ prometheus }: Stage): Promise<number | null> {
  const mended = performance.now();
  while (performance.now() - mended < RESOLVE_WITHIN_MS) {
    const firing = [...(await prometheus.firing())].filter((alert) => alert !== OF_THE_DAY);
    if (firing.length === 0) return (performance.now() - mended) / 1000;
    await delay(prometheus.scrapeMs / 2);
  }
  return null;
}

function noteworthy(lines: readonly LogLine[]): Outcome['lines'] {
  const worth = lines.filter(
    ({ level, event }) => level === 'warn' || level === 'error' || event === 'refused',
  );
  const byEvent = Map.groupBy(worth, ({ event }) => event);
  return [...byEvent].flatMap(([event, of]) => {
    const [first] = of;
    return first === undefined ? [] : [{ event, count: of.length, first }];
  });
}
