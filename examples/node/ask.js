/**
 * Asks one question and prints the answer as it is written: `npm start -- "Why is the sky blue?"`.
 * Ctrl-C stops the model; a lost connection is taken up again by the client, without a word lost or repeated.
 */
import { createDashClient, DashError } from '@dash-relay/client';

const { DASH_RELAY_URL: url = 'http://127.0.0.1:8787', DASH_TOKEN } = process.env;
const question = process.argv.slice(2).join(' ') || 'Why is the sky blue?';

const client = createDashClient({
  url,
  // The access token of whoever asks. In a server, hand in the one that came with your user's request.
  getToken: () => DASH_TOKEN ?? developmentToken(),
  platform: 'node',
  reconnectMs: 30_000, // how long a person waits at a terminal
});

try {
  const answer = await ask(question);
  note(`\n\n${answer.outcome}: ${answer.usage.inputTokens} tokens in, ${answer.usage.outputTokens} out`);
  process.exitCode = answer.outcome === 'done' ? 0 : 130; // as shells have it for Ctrl-C
} catch (error) {
  note(`\n${inWords(error)}`);
  process.exitCode = 1;
} finally {
  client.close(); // otherwise the connection waits 30 s for a next question, and so does Node
}

/** Resolves with the whole answer, also with a stopped one. */
async function ask(content) {
  const stream = client.stream(
    { action: 'chat', messages: [{ role: 'user', content }] },
    {
      onChunk: (text) => process.stdout.write(printable(text)),
      onPhase: (phase) => {
        if (phase === 'reconnecting') note('\n[connection lost, reconnecting]\n');
      },
    },
  );
  // Stops the model, and so the bill; without it the relay would go on for a minute. A second Ctrl-C ends Node at once.
  // `cancel()` resolves and rejects as `final` does, which is awaited below.
  const stop = () => stream.cancel().catch(() => {});
  process.once('SIGINT', stop);
  try {
    return await stream.final;
  } finally {
    process.off('SIGINT', stop);
  }
}

/** Only a relay in development has this route. With real users the token is their Supabase session's. */
async function developmentToken() {
  const response = await fetch(`${url}/dev/token`, { method: 'POST' });
  // Null is "nobody is signed in". What is thrown, here by `fetch`, is "not now": the client asks again.
  return response.ok ? (await response.json()).access_token : null;
}

/** A model's text must not be able to clear the screen or rename the window. */
function printable(text) {
  return text.replaceAll(/(?![\n\t])\p{Cc}/gu, '');
}

/** `error.message` is for developers: people are told what they can do. */
function inWords(error) {
  if (!(error instanceof DashError)) throw error;
  switch (error.code) {
    case 'unreachable':
      return `No relay answers at ${url}. Start one with "npm start" in the relay's folder, or set DASH_RELAY_URL.`;
    case 'unauthorized':
      return 'The relay does not know you. Set DASH_TOKEN to an access token that has not expired.';
    case 'quota_exceeded':
      return `Your plan is used up${error.resetsAt ? ` until ${new Date(error.resetsAt).toLocaleString()}` : ''}.`;
    default: {
      const reference = error.requestId ? ` For support: ${error.requestId}.` : '';
      const hint = error.retryable ? 'Please ask again in a moment.' : 'Asking again will not help.';
      return `That did not work (${error.code}). ${hint}${reference}`;
    }
  }
}

/** Beside the answer, which alone goes to standard output. */
function note(text) {
  process.stderr.write(`${text}\n`);
}
