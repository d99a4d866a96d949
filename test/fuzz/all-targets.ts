import type { FuzzTarget } from './fuzz-target.ts';
import { TARGETS } from './targets/all.ts';
import { commandLine } from './targets/command-line.ts';
import { redis } from './targets/redis.ts';

/** Those that need other programs too. */
export function allTargets(): readonly FuzzTarget[] {
  return [...TARGETS, redis, commandLine];
}
