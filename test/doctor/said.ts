/** Lines of the doctor as an operator reads them, and its parts as a check needs them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Config, type Environment, readConfig } from '../../src/config/environment.ts';
import { type ConfigFiles, readConfigFiles } from '../../src/config/files.ts';
import type { Line } from '../../src/doctor/line.ts';

export const NEVER = new AbortController().signal;

export function said(lines: readonly Line[]): string[] {
  return lines.map(({ mark, text }) => `${mark} ${text}`);
}

export function settingsOf(environment: Environment): { config: Config; files: ConfigFiles } {
  const directory = mkdtempSync(join(tmpdir(), 'doctor-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const config = readConfig({ DATA_DIR: directory, ...environment });
  return { config, files: readConfigFiles(config, Date.now(), () => {}) };
}
