import { createLogger } from '../../src/observability/logger.ts';

/** A logger whose lines are kept, as text and parsed. */
export function keepLines(level = 'trace') {
  const lines: string[] = [];
  const logger = createLogger({
    level,
    version: '1.2.3',
    instanceId: 'machine-a',
    output: { write: (line) => void lines.push(line) },
  });
  return { logger, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}
