/** `npm run docs:log-events`: writes the runbook's catalogue of log lines from the code's table, between its two markers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { LOG_EVENTS, type LogEvent } from '../src/observability/log-events.ts';
import { withSection } from './marked-section.ts';

const RUNBOOK = new URL('../docs/runbook.md', import.meta.url);
const MARKERS = {
  of: 'docs/runbook.md',
  begin: '<!-- log events: written by `npm run docs:log-events` -->\n',
  end: '<!-- /log events -->',
};

/** @throws Error where the markers are missing */
export function withLogEvents(runbook: string): string {
  return withSection(runbook, MARKERS, catalogue());
}

function catalogue(): string {
  const lines = Object.entries<LogEvent>(LOG_EVENTS).map(([message, event]) => row(message, event));
  return [
    '| event | level | message | fields | means | do |',
    '|---|---|---|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}

function row(message: string, { name, levels, fields, means, action }: LogEvent): string {
  const cells = [`\`${name}\``, levels.join(', '), message, fields.join(', '), means, action ?? ''];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

if (import.meta.main) writeFileSync(RUNBOOK, withLogEvents(readFileSync(RUNBOOK, 'utf8')));
