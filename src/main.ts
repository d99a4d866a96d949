/**
 * The entry of the process. Settles how V8 and the allocator use memory, then serves: all of it must be there before
 * the heap is, so the process replaces itself once, keeping its pid, its arguments and its streams (about 50 ms).
 * With WORKERS it is their parent instead, and they begin with all of it.
 *
 * A relay's heap is small and its garbage is young. With V8's defaults it lets 60 MB of it pile up in the new space and
 * lets the old space double before it looks there: 1,000 live streams were measured at 313–370 MB resident, with the
 * sizes below at 200 MB, at the same CPU per delta within the noise (decision 0012). Two helper threads instead of four mark
 * the heap in half of the CPU and do not push the event loop off its core meanwhile (decision 0017). V8's saver mode and a
 * life without Maglev save 16 MB more, and cost a third of the CPU of each start (decision 0029): only where memory is what
 * is scarce, as on a machine of 256 MB. There what compilers take in pieces of 32 KB is also given back at once, which leaves no
 * holes, 8 MB less; but so is each buffer of 64 KB that a socket is read into, which makes a cancel a millisecond later on two
 * virtual cores. One arena of the allocator instead of one for each thread is 3 MB less everywhere. Node's compile cache also
 * keeps the TypeScript with its types stripped: from the second start on the stripper is not loaded at all, 137 → 116 MB for the
 * idle process, and 0.65 instead of 1.05 s of CPU.
 *
 * Signatures are all that is often in libuv's thread pool: with two threads instead of four fewer are woken for each
 * (decision 0031). Names that are slow to resolve may hold one of the two, never both: libuv sees to that.
 */
import { COMPILE_CACHE } from './compile-cache.ts';
import { memorySettings } from './config/memory-settings.ts';
import { workerCount } from './config/worker-count.ts';
import { memoryLimit } from './observability/memory-limit.ts';
import { placeOf } from './workers/place.ts';

/** The kernel ends a process that is replaced while a sample is on its way to it (SIGPROF), as happens in one of three tries. */
const PROFILED = /(^|\s)--(cpu-)?prof\b/;

// A number that it is not is refused by who reads the other settings.
const workers = placeOf(process.env) === undefined ? (workerCount(process.env['WORKERS']) ?? 1) : 1;
const { flags: FLAGS, environment: ALLOCATOR } = memorySettings(memoryLimit() / workers);
const ENVIRONMENT = {
  ...ALLOCATOR,
  UV_THREADPOOL_SIZE: '2',
  ...(COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE: COMPILE_CACHE }),
};
settle();
if (workers > 1) {
  const { supervise } = await import('./supervise.ts');
  const { execArgv: given } = process;
  const execArgv = [...FLAGS.filter((flag) => !given.includes(flag)), ...given];
  await supervise({ count: workers, execArgv, environment: ENVIRONMENT });
} else await import('./serve.ts');

/** Replaces this process by one with all of it, unless it is there or would not work. */
function settle(): void {
  const settled = FLAGS.every((flag) => process.execArgv.includes(flag));
  const profiled = PROFILED.test([process.env['NODE_OPTIONS'], ...process.execArgv].join(' '));
  if (profiled && !settled && workers === 1)
    process.stderr.write(
      `dash-relay: profiled with V8's own memory settings. To profile what runs in production: node --cpu-prof ${FLAGS.join(' ')} ${process.argv[1]}\n`,
    );
  if (!settled && !profiled && process.execve !== undefined && process.platform !== 'win32') {
    process.execve(
      process.execPath,
      [process.execPath, ...FLAGS, ...process.execArgv, ...process.argv.slice(1)],
      { ...ENVIRONMENT, ...process.env },
    );
  }
}
