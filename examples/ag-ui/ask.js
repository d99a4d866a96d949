/**
 * Asks one question by AG-UI and prints the answer as it is written: `npm start -- "Why is the sky blue?"`.
 * Ctrl-C stops the model; after a lost connection the same run is asked again, and goes on where its text ends.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { HttpAgent } from '@ag-ui/client';

const { DASH_RELAY_URL: url = 'http://127.0.0.1:8787', DASH_TOKEN } = process.env;
const question = process.argv.slice(2).join(' ') || 'Why is the sky blue?';
/** How long a person waits at a terminal for a connection, ms. */
const PATIENCE_MS = 30_000;

// Where a connection is lost, version 1.0.0 rejects a promise beside the run's own, which nobody can catch.
process.on('unhandledRejection', (error) => {
  if (!(error instanceof TypeError)) throw error;
});

try {
  const ending = await ask(question);
  if (ending.type === 'RUN_ERROR') throw ending;
  const { inputTokens = 0, outputTokens = 0 } = ending.usage?.[0] ?? {};
  const isDone = ending.outcome?.type !== 'cancelled';
  note(`\n\n${isDone ? 'done' : 'cancelled'}: ${inputTokens} tokens in, ${outputTokens} out`);
  process.exitCode = isDone ? 0 : 130; // as shells have it for Ctrl-C
} catch (error) {
  note(`\n${inWords(error)}`);
  process.exitCode = 1;
}

/** Resolves with the event that ended the run. */
async function ask(content) {
  const authorization = `Bearer ${DASH_TOKEN ?? (await developmentToken())}`;
  const agent = new HttpAgent({
    url: `${url}/v1/ag-ui`,
    headers: { authorization },
    initialMessages: [{ id: randomUUID(), role: 'user', content }],
  });
  // With "resume" a lost connection does not stop the model. Closing is then no stop, so Ctrl-C asks for one.
  const run = { runId: randomUUID(), forwardedProps: { action: 'chat', onDisconnect: 'resume' } };
  let streamId;
  process.once('SIGINT', () => {
    if (streamId === undefined) process.exit(130);
    const stop = { method: 'DELETE', headers: { authorization } };
    fetch(`${url}/v1/streams/${streamId}`, stop).catch(() => process.exit(130));
  });

  let ending;
  let refusal;
  let lostAt;
  while (ending === undefined) {
    await agent.runAgent(run, {
      onRunStartedEvent({ event }) {
        streamId = event.metadata['dash-relay'].streamId;
        lostAt = undefined;
      },
      onTextMessageContentEvent: ({ event }) => void process.stdout.write(printable(event.delta)),
      // The run resolves without either, too, where something on the way ended the response.
      onRunFinishedEvent({ event }) {
        ending = event;
      },
      onRunErrorEvent({ event }) {
        ending = event;
      },
      onRunFailed({ error }) {
        if (error.status !== undefined) refusal = error; // else it is the connection
        return { stopPropagation: true }; // it is said below
      },
    });
    if (refusal !== undefined) throw refusal;
    if (ending !== undefined) break;
    lostAt ??= Date.now();
    if (Date.now() - lostAt > PATIENCE_MS) throw new Error('unreachable');
    note('\n[connection lost, trying again]\n');
    await wait(500);
  }
  return ending;
}

/** Only a relay in development has this route. With real users the token is their Supabase session's. */
async function developmentToken() {
  const response = await fetch(`${url}/dev/token`, { method: 'POST' }).catch(() => undefined);
  if (response === undefined) throw new Error('unreachable');
  return (await response.json()).access_token;
}

/** A model's text must not be able to clear the screen or rename the window. */
function printable(text) {
  return text.replaceAll(/(?![\n\t])\p{Cc}/gu, '');
}

/** Of a RUN_ERROR, or of what the relay refused the run with. */
function inWords(error) {
  const { code, retryable } = error.payload?.error ?? { code: error.code, ...error.metadata?.['dash-relay'] };
  if (error.message === 'unreachable')
    return `No relay answers at ${url}. Start one with "npm start" in the relay's folder, or set DASH_RELAY_URL.`;
  if (code === undefined) throw error;
  if (code === 'unauthorized')
    return 'The relay does not know you. Set DASH_TOKEN to an access token that has not expired.';
  return `That did not work (${code}). ${retryable ? 'Please ask again in a moment.' : 'Asking again will not help.'}`;
}

/** Beside the answer, which alone goes to standard output. */
function note(text) {
  process.stderr.write(`${text}\n`);
}
