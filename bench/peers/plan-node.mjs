/** The plan's function on Node, by `ws`: `node plan-node.mjs <port> <upstream URL>`. */
import { WebSocketServer } from 'ws';
import { createPlanFunction } from './plan-function.mjs';

const [, , port, baseURL] = process.argv;
const answer = createPlanFunction({ baseURL });

const server = new WebSocketServer({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
server.on('connection', (socket) => {
  socket.on('error', () => undefined);
  socket.on('message', (data) => void answer(socket, String(data)).catch(() => undefined));
});
