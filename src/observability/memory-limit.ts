/** The memory that this machine or container has, in a module of its own: the entry asks before anything else is loaded. */
import { totalmem } from 'node:os';

/**
 * Bytes: the container's limit, or the machine's memory where it has none.
 * @param configured the operator's own (MEMORY_LIMIT_BYTES), where that is less
 */
export function memoryLimit(configured = Number.POSITIVE_INFINITY): number {
  const constrained = process.constrainedMemory();
  return Math.min(configured, totalmem(), constrained > 0 ? constrained : Number.POSITIVE_INFINITY);
}
