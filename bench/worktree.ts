/** Another commit of this repository beside this tree. */
import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './temporary-directory.ts';

/** The root of this tree. */
export const HERE = new URL('..', import.meta.url).pathname;

/** A worktree of `commit` with dependencies: this tree's, where the lock file is the same. */
export function addWorktree(commit: string): Disposable & { readonly directory: string } {
  const parent = temporaryDirectory('base');
  const directory = join(parent.path, 'tree');
  git('worktree', 'add', '--detach', '--quiet', directory, commit);
  const remove = () => {
    git('worktree', 'remove', '--force', directory);
    parent[Symbol.dispose]();
  };
  try {
    if (git('diff', '--name-only', commit, '--', 'package-lock.json') === '') {
      symlinkSync(join(HERE, 'node_modules'), join(directory, 'node_modules'));
    } else {
      execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
        cwd: directory,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    }
  } catch (error) {
    remove();
    throw error;
  }
  return { directory, [Symbol.dispose]: remove };
}

function git(...args: string[]): string {
  return execFileSync('git', ['-C', HERE, ...args], { encoding: 'utf8' }).trim();
}
