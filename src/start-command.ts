/** `dash-relay start`: the relay as `main.ts` runs it. It takes its settings from the environment, and no option. */
import { parseArgs } from 'node:util';

const HELP = `Usage: dash-relay start

Starts the relay. Without any setting a simulated model answers, and the relay issues tokens for development.
Settings are taken from the environment:

`;

/** @param args what stands after `start` @returns 2 for wrong words; otherwise the process goes on until it is stopped */
export async function start(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options instanceof Error) {
    process.stderr.write(`${options.message}\n\nUsage: dash-relay start\n`);
    return 2;
  }
  if (options.help) process.stdout.write(HELP + (await settings()));
  else await import('./main.ts');
  return 0;
}

function readOptions(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: { help: { type: 'boolean', short: 'h' } } }).values;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function settings(): Promise<string> {
  const { environmentTable } = await import('./config/environment.ts');
  const lines = environmentTable().map(({ key, development, production, description }) => {
    const defaults = development === production ? development : `${development}; production ${production}`;
    return `  ${key}${defaults ? ` (${defaults})` : ''}\n      ${description}\n`;
  });
  return lines.join('');
}
