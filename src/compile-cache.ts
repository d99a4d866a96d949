/** Where Node keeps what it has compiled of a clone: sources with their types stripped, which is half of a short command. */
import { join } from 'node:path';

/**
 * Where it cannot be written Node does without. Not below /tmp, where others write too: what lies in it is run. Undefined
 * for the bundle, which has no types to strip and writes nothing beside itself: there it is the operator's to set.
 */
export const COMPILE_CACHE = import.meta.url.endsWith('.ts')
  ? join(import.meta.dirname, '../node_modules/.cache/dash-relay')
  : undefined;
