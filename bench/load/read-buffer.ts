/** One read buffer for all sockets of the load generator: libuv reads into it and the bytes are used up at once. */
import { connect, type Socket } from 'node:net';

const READ_BYTES = 256 * 1024;
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/** Connects to loopback. `onBytes` must not keep `bytes`: the next read of any socket overwrites them. */
export function connectShared(port: number, onBytes: (bytes: Buffer, length: number) => void): Socket {
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: shared,
      callback: (length) => {
        onBytes(shared, length);
        return true;
      },
    },
  });
  return socket;
}
