/** A proxy that lets HTTP and the relay's own frames through, and no frame of the client. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** `swallow`: the frames are lost. `cut`: the first one ends the connection. */
export async function startSwallowingProxy(
  target: string,
  how: 'swallow' | 'cut',
): Promise<{ readonly url: string }> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const relay = connect({ host: hostname, port: Number(port) });
    let upgraded = false;
    client.on('data', (bytes: Buffer) => {
      if (!upgraded) relay.write(bytes);
      else if (how === 'cut') client.resetAndDestroy();
      upgraded ||= /^upgrade: *websocket/im.test(bytes.toString('latin1'));
    });
    relay.pipe(client);
    for (const [one, other] of [
      [client, relay],
      [relay, client],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of open) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
