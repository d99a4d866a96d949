/** `npm run docs:environment`: writes README's table of environment keys from the schema, between its two markers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type EnvironmentRow, environmentTable } from '../src/config/environment.ts';
import { withSection } from './marked-section.ts';

const README = new URL('../README.md', import.meta.url);
const MARKERS = {
  of: 'README.md',
  begin: '<!-- environment: written by `npm run docs:environment` -->\n',
  end: '<!-- /environment -->',
};

/** @throws Error where the markers are missing */
export function withEnvironmentTable(readme: string): string {
  return withSection(readme, MARKERS, environmentSection());
}

function environmentSection(): string {
  return ['| key | default | meaning |', '|---|---|---|', ...environmentTable().map(line), ''].join('\n');
}

function line({ key, development, production, description }: EnvironmentRow): string {
  const defaults =
    development === production ? code(development) : `${code(development)}; production ${code(production)}`;
  return `| \`${key}\` | ${defaults} | ${description.replaceAll('|', '\\|')} |`;
}

function code(value: string | null): string {
  return value === null || value === '' ? '' : `\`${value}\``;
}

if (import.meta.main) writeFileSync(README, withEnvironmentTable(readFileSync(README, 'utf8')));
