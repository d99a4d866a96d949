/**
 * `npm run ask -- "question"`: the client in a terminal. Text comes as it is said; Ctrl-C stops the model and shows the
 * receipt. DASH_RELAY_URL names the relay, DASH_TOKEN the token; on loopback the development issuer gives one.
 */

import { createDashClient } from '../client/create-dash-client.ts';
import { DashError } from '../client/dash-error.ts';
import type { Answer, Transport } from '../client/dash-stream.ts';
import { developmentToken } from './development-token.ts';
import { withoutControls } from './without-controls.ts';

const USAGE =
  'usage: npm run ask -- "question" [--action chat] [--model name] [--transport websocket|sse|json]\n';
const EXIT_FAILURE = 1;
const EXIT_USAGE = 64;
const EXIT_INTERRUPTED = 130;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const { question, action = 'chat', model, transport } = parse(args);
  if (question === '') {
    process.stderr.write(USAGE);
    return EXIT_USAGE;
  }
  const { DASH_RELAY_URL: url = 'http://127.0.0.1:8787', DASH_TOKEN: token } = process.env;
  const client = createDashClient({
    url,
    platform: 'terminal',
    getToken: () => token ?? developmentToken(url),
    ...(transport === undefined ? {} : { transports: [transport as Transport] }),
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

function parse(
  args: readonly string[],
): Record<'action' | 'model' | 'transport', string | undefined> & { question: string } {
  const option = (name: string): string | undefined => {
    const at = args.indexOf(`--${name}`);
    return at === -1 ? undefined : args[at + 1];
  };
  const words = args.filter((each, at) => !each.startsWith('--') && !args[at - 1]?.startsWith('--'));
  return {
    question: words.join(' ').trim(),
    action: option('action'),
    model: option('model'),
    transport: option('transport'),
  };
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
    return `no relay at ${url}; start one with "npm start", or set DASH_RELAY_URL`;
  return `${error.code}: ${error.message}`;
}
