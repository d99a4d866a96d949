/** Below it a relay with 10,000 connections and 1,000 streams, 220 MB, comes near to the end of its memory. */
const SMALL_BYTES = 384 * 2 ** 20;

export interface MemorySettings {
  /** Of Node and V8. */
  readonly flags: readonly string[];
  /** Of the allocator. */
  readonly environment: Readonly<Record<string, string>>;
}

const ALWAYS: MemorySettings = {
  flags: ['--max-semi-space-size=4', '--heap-growing-percent=20', '--v8-pool-size=2'],
  environment: { MALLOC_ARENA_MAX: '1' },
};
const SMALL: MemorySettings = {
  flags: [...ALWAYS.flags, '--memory-saver-mode', '--no-maglev'],
  environment: { ...ALWAYS.environment, MALLOC_MMAP_THRESHOLD_: '30000' },
};

/** What the process begins with; why stands in main.ts. @param bytes of memory that it may use */
export function memorySettings(bytes: number): MemorySettings {
  return bytes < SMALL_BYTES ? SMALL : ALWAYS;
}
