/** `dash-relay start`: the relay as `main.ts` runs it. It takes its settings from the environment, and no option. */
import { subcommand } from './command-line/subcommand.ts';

const DETAILS = `
Starts the relay. Without any setting a simulated model answers, and the relay issues tokens for development.
Settings are taken from the environment:

`;

/** Once it has started, the process goes on until it is stopped. */
export const start = subcommand({
  help: 'Usage: dash-relay start\n',
  details: async () => DETAILS + (await settings()),
  async run() {
    await import('./main.ts');
    return 0;
  },
});

async function settings(): Promise<string> {
  const { environmentTable } = await import('./config/environment.ts');
  const lines = environmentTable().map(({ key, development, production, description }) => {
    const defaults = development === production ? development : `${development}; production ${production}`;
    return `  ${key}${defaults ? ` (${defaults})` : ''}\n      ${description}\n`;
  });
  return lines.join('');
}
