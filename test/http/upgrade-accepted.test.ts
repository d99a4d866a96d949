import { describe, expect, it } from 'vitest';
import { toWire } from '../../src/protocol/wire-text.ts';
import { type HandshakeOptions, handshake } from './handshake.ts';
import { textFrame } from './masked-frame.ts';
import { openHandshake, openRaw, parseAnswer } from './raw-client.ts';
import { ALICE, startServer } from './start-server.ts';

const BY_PROTOCOL = { authorization: undefined, 'sec-websocket-protocol': 'bearer.alice, dash-relay.v1' };

const ACCEPTED: Readonly<Record<string, HandshakeOptions>> = {
  'a token in the Authorization header': {},
  'the scheme in other case': { headers: { authorization: 'bearer alice' } },
  'the alias path': { path: '/functions/v1/ai-gateway-ws' },
  'a query beside the path': { path: '/v1/ws?v=2' },
  'a header token with any Origin, as React Native sends one': {
    headers: { origin: 'https://evil.example' },
  },
  'a subprotocol token without Origin, as Node sends it': { headers: BY_PROTOCOL },
  'unknown names beside ours': {
    headers: { ...BY_PROTOCOL, 'sec-websocket-protocol': 'chat, dash-relay.v1 ,bearer.alice,\tv9' },
  },
};

describe('a handshake is answered with 101 and reaches the core', () => {
  it.each(Object.entries(ACCEPTED))('%s', async (_what, options) => {
    const { port, core } = await startServer();
    const { text } = await openHandshake(port, options);
    expect(parseAnswer(text).status).toBe(101);
    expect((await core.connection()).info.principal.userId).toBe(ALICE);
  });

  it('echoes only our subprotocol, also where the token came first', async () => {
    const { port } = await startServer();
    const { headers } = parseAnswer((await openHandshake(port, { headers: BY_PROTOCOL })).text);
    expect(headers['sec-websocket-protocol']).toBe('dash-relay.v1');
  });

  it('echoes no subprotocol to a client that offers none', async () => {
    const { port } = await startServer();
    const { headers } = parseAnswer((await openHandshake(port)).text);
    expect(headers['sec-websocket-protocol']).toBeUndefined();
  });

  it('does not negotiate compression', async () => {
    const { port } = await startServer();
    const offer = { 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits' };
    const { headers } = parseAnswer((await openHandshake(port, { headers: offer })).text);
    expect(headers['sec-websocket-extensions']).toBeUndefined();
  });

  it('parses bytes right behind the head only once the token is checked', async () => {
    const { port, core, authenticator } = await startServer();
    const { promise: checked, resolve: finishCheck } = Promise.withResolvers<void>();
    const { promise: asked, resolve: askedNow } = Promise.withResolvers<void>();
    const verify = authenticator.verify.bind(authenticator);
    authenticator.verify = async (token) => {
      askedNow();
      await checked;
      return verify(token);
    };
    core.onConnect = ({ socket }) => socket.write([toWire('{"type":"hello"}')]);

    const client = (await openRaw(port)).send(Buffer.concat([Buffer.from(handshake()), textFrame('early')]));
    await asked;
    client.send(textFrame('later'));
    expect(core.connections).toEqual([]);
    finishCheck();

    const connection = await core.connection();
    await connection.until(({ texts }) => texts.length === 2);
    expect(connection.texts).toEqual(['early', 'later']);
    await client.until('{"type":"hello"}');
  });
});
