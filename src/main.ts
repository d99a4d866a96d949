/**
 * The entry of the process. Settles how V8 uses memory, then serves: both flags must be there before the heap is, so
 * the process replaces itself once, keeping its pid, its arguments and its streams (about 50 ms).
 *
 * A relay's heap is small and its garbage is young. With V8's defaults it lets 60 MB of it pile up in the new space
 * and lets the old space double before it looks there: 1,000 live streams were measured at 313–370 MB resident, with
 * these flags at 200 MB, at the same CPU per delta within the noise.
 */
const FLAGS = ['--max-semi-space-size=4', '--heap-growing-percent=20'];

const settled = FLAGS.every((flag) => process.execArgv.includes(flag));
if (!settled && process.execve !== undefined) {
  process.execve(process.execPath, [
    process.execPath,
    ...FLAGS,
    ...process.execArgv,
    ...process.argv.slice(1),
  ]);
}
await import('./serve.ts');
