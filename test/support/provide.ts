/** Once a run and project of the test runner, before its first test: puts in place what the files asked for need. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { NEEDS } from './test-projects.ts';

export default function provide({ name }: TestProject): void {
  const need = NEEDS.find(({ project }) => project === name);
  if (need === undefined) return;
  const { programs, demoPage } = need;
  if (programs.length > 0) run('install-test-services.mjs', programs === 'all' ? [] : programs);
  if (demoPage) run('build-demo.mjs', ['--if-stale']);
}

function run(script: string, args: readonly string[]): void {
  const path = fileURLToPath(new URL(`../../scripts/${script}`, import.meta.url));
  execFileSync(process.execPath, [path, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
}
