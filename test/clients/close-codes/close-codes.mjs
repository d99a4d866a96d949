/**
 * Opens one WebSocket after another and prints how each ended, a JSON object a line: in Node, Bun and Deno, by their own
 * WebSocket. Browsers and `ws` are handed `closeOf`.
 */
export function closeOf(url, asked, WebSocket = globalThis.WebSocket) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url + asked);
    let error;
    socket.onerror = () => (error = 'error event');
    socket.onclose = ({ code, reason }) => resolve({ asked, code, reason, error });
  });
}

if (globalThis.process?.argv[2] !== undefined) {
  const [url, ...codes] = process.argv.slice(2);
  for (const asked of codes) {
    process.stdout.write(`${JSON.stringify(await closeOf(url, asked))}\n`);
  }
}
