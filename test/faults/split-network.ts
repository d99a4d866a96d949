/**
 * A network of its own for one process, over a cable that can be pulled: packets are lost then, and nobody is told.
 * Needs Linux, root, and the program `ip`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import type { Environment } from '../../src/config/environment.ts';

export interface SplitNetwork {
  /** Of the test, as that process sees it. */
  readonly here: string;
  /** Of that process. */
  readonly there: string;
  /** For `spawnRelay`, of a relay that is to run there: its environment and its program. */
  readonly environment: Environment;
  readonly program: string;
  pull(): void;
  plug(): void;
  [Symbol.dispose](): void;
}

/** Whether this process may make networks. */
export function canSplitNetworks(): boolean {
  const name = nameOf('probe');
  const made = process.getuid?.() === 0 && spawnSync('ip', ['netns', 'add', name]).status === 0;
  if (made) ip('netns', 'delete', name);
  return made;
}

export function splitNetwork(): SplitNetwork {
  const name = nameOf('net');
  const [outer, inner] = [`o${process.pid}`, `i${process.pid}`];
  // For documentation by RFC 5737: no network that this machine is in.
  const [here, there] = ['192.0.2.1', '192.0.2.2'];
  ip('netns', 'add', name);
  ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', name);
  ip('address', 'add', `${here}/30`, 'dev', outer);
  ip('link', 'set', outer, 'up');
  ip('-n', name, 'address', 'add', `${there}/30`, 'dev', inner);
  ip('-n', name, 'link', 'set', 'lo', 'up');
  ip('-n', name, 'link', 'set', inner, 'up');
  return {
    here,
    there,
    environment: { HOST: there, NETWORK: name },
    program: 'test/faults/relay-in-network.ts',
    pull: () => ip('-n', name, 'link', 'set', inner, 'down'),
    plug: () => ip('-n', name, 'link', 'set', inner, 'up'),
    [Symbol.dispose]: () => ip('netns', 'delete', name),
  };
}

function nameOf(what: string): string {
  return `dash-${what}-${process.pid}`;
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
