/** Dates and times among the words of a command line. */
import { CommandLineError } from './subcommand.ts';

const DAY = /^\d{4}-\d{2}-\d{2}$/;
/** With a zone: a time without one would mean something else on each machine. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

/** The start of that day, UTC, Unix ms. @throws CommandLineError */
export function dayOf(option: string, text: string): number {
  return read(option, text, [DAY]);
}

/** The start of that day, UTC, or that time, Unix ms. @throws CommandLineError */
export function instantOf(option: string, text: string): number {
  return read(option, text, [DAY, INSTANT]);
}

function read(option: string, text: string, shapes: readonly RegExp[]): number {
  const instant = shapes.some((shape) => shape.test(text)) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(instant) && isDay(text.slice(0, 10))) return instant;
  throw new CommandLineError(`${option} is not a date such as 2026-11-22: ${text}`);
}

/** Date.parse takes the 31st of February for the 3rd of March. */
function isDay(day: string): boolean {
  const start = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(start.getTime()) && start.toISOString().startsWith(day);
}
