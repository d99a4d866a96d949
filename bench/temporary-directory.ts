/** Directories that are gone when the benchmark is, however it ends (but for SIGKILL). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made = new Set<string>();
process.on('exit', () => {
  for (const path of made) remove(path);
});

export interface TemporaryDirectory extends Disposable {
  readonly path: string;
}

export function temporaryDirectory(purpose: string): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), `dash-relay-bench-${purpose}-`));
  made.add(path);
  return { path, [Symbol.dispose]: () => remove(path) };
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
  made.delete(path);
}
