/** What the benchmark's programs share: the machine they need, and how they fail. */

/** Runs a program to its end: its exit code, or 1 and one sentence on stderr. */
export async function runProgram(main: (args: string[]) => Promise<number>): Promise<void> {
  try {
    if (process.platform !== 'linux') throw new Error('the benchmark reads /proc: it runs on Linux only');
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
