/** The memory that this machine or container has, in a module of its own: the entry asks before anything else is loaded. */
import { totalmem } from 'node:os';

/** Bytes: the container's limit, or the machine's memory where it has none. */
export function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
