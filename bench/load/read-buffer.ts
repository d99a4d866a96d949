/** One read buffer for all sockets of the load generator: libuv reads into it and the bytes are used up at once. */
import { connect, type Socket } from 'node:net';

const READ_BYTES = 256 * 1024;
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

type OnBytes = (bytes: Buffer, length: number) => void;

/** Connects to loopback. `onBytes` must not keep `bytes`: the next read of any socket overwrites them. */
export function connectShared(port: number, onBytes: OnBytes): Socket {
  return connect({
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
}

/** The same for a socket that reads so many bytes at most each second; what it has not read waits in the kernel. */
export function connectSlowly(port: number, bytesPerSecond: number, onBytes: OnBytes): Socket {
  const buffer = Buffer.allocUnsafeSlow(bytesPerSecond);
  let left = bytesPerSecond;
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer,
      callback: (length) => {
        left -= length;
        onBytes(buffer, length);
        return left > 0;
      },
    },
  });
  const timer = setInterval(() => {
    left = bytesPerSecond;
    socket.resume();
  }, 1000);
  socket.once('close', () => clearInterval(timer));
  return socket;
}
