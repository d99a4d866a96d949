/**
 * The plan's function on Deno: `deno run -A plan-deno.mjs <port> <upstream URL>`. Its std server of 2022 is now
 * Deno.serve. It speaks HTTP/1.1 to the upstream: Deno's fetch opens one HTTP/2 connection to a host, which carries
 * 100 streams, so that as written the 101st answer waits until another has ended.
 */
import { createPlanFunction } from './plan-function.mjs';

const [port, baseURL] = Deno.args;
const caCerts = [Deno.readTextFileSync(Deno.env.get('DENO_CERT'))];
const client = Deno.createHttpClient({ http2: false, caCerts });
const answer = createPlanFunction({ baseURL, fetchOptions: { client } });

Deno.serve({ port: Number(port), hostname: '127.0.0.1', onListen() {} }, (request) => {
  if (request.headers.get('upgrade') !== 'websocket') {
    return new Response('Expected WebSocket', { status: 400 });
  }
  const { socket, response } = Deno.upgradeWebSocket(request);
  // The client is gone: the plan's function throws here, unheard.
  socket.onmessage = (event) => void answer(socket, event.data).catch(() => undefined);
  return response;
});
