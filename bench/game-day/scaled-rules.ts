/** Rules of Prometheus for a day that goes faster than its clock: every duration is a part of what it is. */

/** A gauge that is an age: what it is compared with shrinks as well. Latencies do not, nor how often keys are fetched. */
const AGE = 'dash_usage_oldest_waiting_seconds';
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** @param rules as YAML @param scale how many seconds of the rules pass in one of the clock */
export function scaledRules(rules: string, scale: number): string {
  const age = new RegExp(`(${AGE}[^<>\n]*[<>] )(\\d+)`, 'g');
  return rules
    .replaceAll(
      /(for: |offset )(\d+)([smhd])\b/g,
      (_, before: string, number: string, unit: string) => `${before}${scaled(number, unit, scale)}`,
    )
    .replaceAll(
      /\[(\d+)([smhd])(?::(\d+)([smhd]))?\]/g,
      (_, range: string, unit: string, step?: string, stepUnit = 's') =>
        step === undefined
          ? `[${scaled(range, unit, scale)}]`
          : `[${scaled(range, unit, scale)}:${scaled(step, stepUnit, scale)}]`,
    )
    .replaceAll(age, (_, before: string, seconds: string) => `${before}${Number(seconds) / scale}`);
}

function scaled(number: string, unit: string, scale: number): string {
  return `${Math.round((Number(number) * UNITS[unit as keyof typeof UNITS]) / scale)}ms`;
}
