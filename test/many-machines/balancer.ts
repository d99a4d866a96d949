/** A TCP proxy that deals connections out to its targets in turn, as a load balancer does. It carries whatever comes. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Balancer {
  readonly port: number;
  /** Ports that get new connections from now on; none: nobody answers. */
  route(...ports: number[]): void;
  /** Cuts every connection without a farewell. */
  cut(): void;
  /** What was sent meanwhile is lost, both sides believe they are connected, and new connections lead nowhere. */
  partition(): void;
  /** New connections arrive again; old ones are cut. */
  heal(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startBalancer(...targets: number[]): Promise<Balancer> {
  const sockets = new Set<Socket>();
  let ports = targets;
  let turn = 0;
  let partitioned = false;

  const hold = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    return socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer({ noDelay: true }, (client) => {
    hold(client);
    if (partitioned) return;
    const port = ports[turn % ports.length];
    turn += 1;
    if (port === undefined) {
      client.destroy();
      return;
    }
    const target = hold(connect({ host: '127.0.0.1', port, noDelay: true }));
    client.on('data', (bytes) => partitioned || target.write(bytes));
    target.on('data', (bytes) => partitioned || client.write(bytes));
    client.on('close', () => target.destroy());
    target.on('close', () => client.destroySoon());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    route(...next) {
      ports = next;
    },
    cut,
    partition() {
      partitioned = true;
    },
    heal() {
      partitioned = false;
      cut();
    },
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
