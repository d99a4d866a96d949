/** `npm run docs:environment`: writes README's table of environment keys from the schema, between its two markers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type EnvironmentRow, environmentTable } from '../src/config/environment.ts';

const README = new URL('../README.md', import.meta.url);
const BEGIN = '<!-- environment: written by `npm run docs:environment` -->\n';
const END = '<!-- /environment -->';

/** @throws Error where the markers are missing */
export function withEnvironmentTable(readme: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error('README.md has lost the markers of the environment table');
  return readme.slice(0, begin + BEGIN.length) + environmentSection() + readme.slice(end);
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
