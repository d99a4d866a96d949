import { describe, expect, it } from 'vitest';
import type { HandshakeOptions } from './handshake.ts';
import { refusedHandshake } from './raw-client.ts';
import { startServer } from './start-server.ts';

const NO_TOKEN = { authorization: undefined };
const protocols = (list: string) => ({ ...NO_TOKEN, 'sec-websocket-protocol': list });

/** What is sent, and the status and code it is refused with before the 101. */
const REFUSALS: Readonly<Record<string, readonly [HandshakeOptions, number, string]>> = {
  'no token': [{ headers: NO_TOKEN }, 401, 'unauthorized'],
  'an unknown token': [{ headers: { authorization: 'Bearer mallory' } }, 401, 'unauthorized'],
  'another scheme': [{ headers: { authorization: 'Basic YWxpY2U6' } }, 401, 'unauthorized'],
  'a token in the query': [
    { headers: NO_TOKEN, path: '/v1/ws?token=alice&access_token=alice' },
    401,
    'unauthorized',
  ],
  'tokens in two places': [
    { headers: { 'sec-websocket-protocol': 'dash-relay.v1, bearer.alice' } },
    400,
    'bad_request',
  ],
  'two Authorization headers': [{ lines: ['Authorization: Bearer bob'] }, 400, 'bad_request'],
  'no key': [{ headers: { 'sec-websocket-key': undefined } }, 400, 'bad_request'],
  'a key of another length': [{ headers: { 'sec-websocket-key': 'c2hvcnQ=' } }, 400, 'bad_request'],
  'version 12': [{ headers: { 'sec-websocket-version': '12' } }, 400, 'bad_request'],
  'version 8, which ws would serve': [{ headers: { 'sec-websocket-version': '8' } }, 400, 'bad_request'],
  'HTTP/1.0, which ws would serve': [{ httpVersion: '1.0' }, 400, 'bad_request'],
  'an upgrade by POST': [{ method: 'POST' }, 405, 'method_not_allowed'],
  'an upgrade by POST with a body': [
    { method: 'POST', headers: { 'content-length': '2', connection: 'Upgrade, close' }, lines: [] },
    405,
    'method_not_allowed',
  ],
  'an upgrade to h2c': [{ headers: { upgrade: 'h2c' } }, 426, 'upgrade_required'],
  'a wrong path': [{ path: '/v1/wss' }, 404, 'not_found'],
  'a path that only resolves to the right one': [{ path: '/v1/x/%2e%2e/ws' }, 404, 'not_found'],
  'a doubled slash': [{ path: '//v1/ws' }, 404, 'not_found'],
  'a list without our subprotocol': [{ headers: protocols('graphql-ws, bearer.alice') }, 400, 'bad_request'],
  'two tokens in the list': [
    { headers: protocols('dash-relay.v1, bearer.alice, bearer.bob') },
    400,
    'bad_request',
  ],
  'a malformed list': [{ headers: protocols('dash-relay.v1,,bearer.alice') }, 400, 'bad_request'],
  'an empty list': [{ headers: protocols('') }, 400, 'bad_request'],
  'a list without a token': [{ headers: protocols('dash-relay.v1') }, 401, 'unauthorized'],
  'an empty token in the list': [{ headers: protocols('dash-relay.v1, bearer.') }, 401, 'unauthorized'],
};

describe('a handshake is refused before the 101, as JSON', () => {
  it.each(Object.entries(REFUSALS))('%s', async (_what, [options, status, code]) => {
    const { port, core, observer } = await startServer();
    const body = options.headers?.['content-length'] === undefined ? '' : '{}';

    const answer = await refusedHandshake(port, options, body);

    expect(answer.status).toBe(status);
    expect(answer.error).toMatchObject({ code, message: expect.any(String), retryable: false });
    expect(answer.headers['connection']).toMatch(/^close\b/);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(core.connections).toEqual([]);
    expect(JSON.stringify(observer.refusals)).not.toMatch(/alice|bob|mallory/);
  });

  it('names the scheme on 401, the method on 405', async () => {
    const { port } = await startServer();
    expect(await refusedHandshake(port, { headers: NO_TOKEN })).toMatchObject({
      headers: { 'www-authenticate': 'Bearer' },
    });
    expect(await refusedHandshake(port, { method: 'POST' })).toMatchObject({ headers: { allow: 'GET' } });
  });

  it.each([
    ['/v1/ws', 'websocket'],
    ['/v1/ai-sdk?x', 'ai_sdk_websocket'],
  ])('is logged by its door: %s', async (path, door) => {
    const { port, observer } = await startServer();
    await refusedHandshake(port, { headers: NO_TOKEN, path });
    expect(observer.refusals).toMatchObject([{ door, of: 'upgrade' }]);
  });
});
