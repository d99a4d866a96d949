/**
 * `dash-relay ask "question"`: the client in a terminal. Text comes as it is said; Ctrl-C stops the model and shows the
 * receipt. DASH_RELAY_URL names the relay, DASH_TOKEN the token; on loopback the development issuer gives one.
 */
import { createDashClient } from '../client/create-dash-client.ts';
import { DashError } from '../client/dash-error.ts';
import type { Answer, Transport } from '../client/dash-stream.ts';
import { CommandLineError, subcommand, type Words } from '../command-line/subcommand.ts';
import { withoutControls } from '../command-line/without-controls.ts';
import { developmentToken } from './development-token.ts';

const TRANSPORTS: readonly Transport[] = ['websocket', 'sse', 'json'];
const HELP = `Usage: dash-relay ask [options] <question>

Asks the relay at DASH_RELAY_URL (default http://127.0.0.1:8787) with the token DASH_TOKEN, or with one of its
development issuer, and prints the answer as it is written. Ctrl-C stops the model and prints the receipt.

  --action <name>     what is asked for (default chat)
  --model <name>      a model that the relay allows
  --transport <name>  only this one: ${TRANSPORTS.join(', ')}
  --help              this text
`;
const EXIT_FAILURE = 1;
const EXIT_INTERRUPTED = 130;
const OPTIONS = {
  action: { type: 'string', default: 'chat' },
  model: { type: 'string' },
  transport: { type: 'string' },
} as const;

interface Question {
  readonly question: string;
  readonly action: string;
  readonly model: string | undefined;
  readonly transports: readonly Transport[] | undefined;
}

/** It ends with 130 where it was stopped. */
export const ask = subcommand({
  help: HELP,
  options: OPTIONS,
  allowPositionals: true,
  run: (words) => answer(questionOf(words)),
});

async function answer({ question, action, model, transports }: Question): Promise<number> {
  const { DASH_RELAY_URL: url = 'http://127.0.0.1:8787', DASH_TOKEN: token } = process.env;
  const client = createDashClient({
    url,
    platform: 'terminal',
    getToken: async () => token ?? (await developmentToken(url)).token,
    ...(transports === undefined ? {} : { transports }),
    reconnectMs: 10_000,
  });
  const stream = client.stream(
    { action, messages: [{ role: 'user', content: question }], model },
    { onChunk: (text) => process.stdout.write(withoutControls(text)) },
  );
  process.once('SIGINT', () => void stream.cancel().catch(() => {}));
  try {
    const answer = await stream.final;
    process.stdout.write(`\n\n${withoutControls(receipt(answer))}\n`);
    return answer.outcome === 'done' ? 0 : EXIT_INTERRUPTED;
  } catch (error) {
    process.stderr.write(`\nask: ${withoutControls(describe(error, url))}\n`);
    return EXIT_FAILURE;
  } finally {
    client.close();
  }
}

function questionOf({ values: { action, model, transport }, positionals }: Words<typeof OPTIONS>): Question {
  const question = positionals.join(' ').trim();
  if (question === '') throw new CommandLineError('There is no question.');
  const only = TRANSPORTS.filter((name) => name === transport);
  if (transport !== undefined && only.length === 0)
    throw new CommandLineError(`--transport takes ${TRANSPORTS.join(', ')}: ${transport}`);
  return { question, action, model, transports: transport === undefined ? undefined : only };
}

function receipt({ outcome, model, usage, timing, transport }: Answer): string {
  const cost = usage.costUsd === undefined ? '' : `, $${usage.costUsd}`;
  const closed =
    timing.upstreamClosedMs === undefined ? '' : `, model closed in ${timing.upstreamClosedMs} ms`;
  return [
    `${outcome} over ${transport}${model === null ? '' : ` by ${model}`}`,
    `${usage.inputTokens} tokens in, ${usage.outputTokens} out (${usage.source})${cost}`,
    `first text after ${timing.firstTokenMs ?? '-'} ms, all after ${timing.totalMs} ms${closed}`,
  ].join('\n');
}

function describe(error: unknown, url: string): string {
  if (!(error instanceof DashError)) return String(error);
  if (error.code === 'unreachable')
    return `no relay at ${url}; start one with "npm start" or "dash-relay start", or set DASH_RELAY_URL`;
  return `${error.code}: ${error.message}`;
}
