/** The packages of bench/peers: installed when a peer is first asked for, without their install scripts. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const PEERS = fileURLToPath(new URL('../peers/', import.meta.url));

const INSTALL_MS = 300_000;
const MODULES = `${PEERS}node_modules/`;

/** Installs them where they are not there; says on stderr what it does and whether it failed. */
export function installPeers(): void {
  if (existsSync(MODULES)) return;
  process.stderr.write('installing the peers into bench/peers/node_modules (once, about 300 MB)\n');
  // Not `npm ci`: it refuses the lock of deno's packages for other systems, which npm itself leaves out.
  const { status } = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: PEERS,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: INSTALL_MS,
  });
  if (status !== 0) process.stderr.write('npm could not install the peers: their columns stay empty\n');
}

/** Version of an installed package; null where it is not installed. */
export function peerVersion(name: string): string | null {
  try {
    const { version } = JSON.parse(readFileSync(`${MODULES}${name}/package.json`, 'utf8')) as {
      version: string;
    };
    return version;
  } catch {
    return null;
  }
}

/** The program inside a runtime's package for this machine: npm's wrappers would be a process more. */
export function peerRuntime(runtime: 'deno' | 'bun'): string {
  const cpu = process.arch === 'arm64' ? { deno: 'arm64', bun: 'aarch64' } : { deno: 'x64', bun: 'x64' };
  return runtime === 'deno'
    ? `${MODULES}@deno/linux-${cpu.deno}-glibc/deno`
    : `${MODULES}@oven/bun-linux-${cpu.bun}/bin/bun`;
}
