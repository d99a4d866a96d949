/** Below it a relay with 10,000 connections and 1,000 streams, 210 MB, comes near to the end of its memory. */
const SMALL_BYTES = 384 * 2 ** 20;
const ALWAYS = ['--max-semi-space-size=4', '--heap-growing-percent=20', '--v8-pool-size=2'];
const SMALL = ['--memory-saver-mode', '--no-maglev'];

/** What V8 is told at the start; why stands in main.ts. @param bytes of memory that this process may use */
export function v8Flags(bytes: number): readonly string[] {
  return bytes < SMALL_BYTES ? [...ALWAYS, ...SMALL] : ALWAYS;
}
