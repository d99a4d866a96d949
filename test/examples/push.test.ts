import { Webhook } from 'standardwebhooks';
import { beforeEach, describe, expect, it } from 'vitest';
import { handle, type PushStore } from '../../examples/push/supabase/functions/push/handler.ts';
import { SECRET } from '../webhooks/receiver.ts';

interface Sent {
  readonly url: string;
  readonly messages: readonly { readonly to: string; readonly body: string; readonly data: object }[];
}

let claimed: Set<string>;
let devices: string[];
let sent: Sent[];
let expo: () => Response;

const store: PushStore = {
  claim: async (id) => !claimed.has(id) && claimed.add(id) !== undefined,
  unclaim: async (id) => void claimed.delete(id),
  tokensOf: async (userId) => (userId === 'user-1' ? [...devices] : []),
  forget: async (token) => void devices.splice(devices.indexOf(token), 1),
};

beforeEach(() => {
  claimed = new Set();
  devices = ['ExponentPushToken[a]', 'ExponentPushToken[b]'];
  sent = [];
  expo = () => Response.json({ data: devices.map(() => ({ status: 'ok' })) });
});

async function receive(type: string, { id = `unread_${type}`, secret = SECRET, userId = 'user-1' } = {}) {
  const data = { id: 'stream-1', userId, status: 'done' };
  const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data });
  const now = new Date();
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, now, body),
  };
  const request = new Request('https://project.supabase.co/functions/v1/push', {
    method: 'POST',
    body,
    headers,
  });
  const send = async (url: string, init: RequestInit) => {
    sent.push({ url, messages: JSON.parse(String(init.body)) });
    return expo();
  };
  return (await handle(request, { secret: SECRET, store, send })).status;
}

describe('the edge function that pushes', () => {
  it('tells each device of the user, without a word of the answer, and once', async () => {
    expect(await receive('stream.unread')).toBe(204);
    expect(await receive('stream.unread')).toBe(204);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.url).toBe('https://exp.host/--/api/v2/push/send');
    expect(sent[0]?.messages).toEqual(
      devices.map((to) => ({
        to,
        title: 'Dash',
        body: 'Your answer is ready.',
        data: { streamId: 'stream-1' },
      })),
    );
  });

  it('believes nobody else, and takes other events without a push', async () => {
    const other = `whsec_${Buffer.alloc(32, 'somebody else').toString('base64')}`;
    expect(await receive('stream.unread', { secret: other })).toBe(401);
    expect(await receive('stream.ended')).toBe(204);
    expect(await receive('stream.unread', { userId: 'user-without-devices' })).toBe(204);
    expect(sent).toEqual([]);
  });

  it('asks for the event again where Expo fails, and forgets devices that are gone', async () => {
    expo = () => new Response(null, { status: 500 });
    expect(await receive('stream.unread')).toBe(503);
    expo = () =>
      Response.json({
        data: [{ status: 'ok' }, { status: 'error', details: { error: 'DeviceNotRegistered' } }],
      });
    expect(await receive('stream.unread')).toBe(204);
    expect(devices).toEqual(['ExponentPushToken[a]']);
  });
});
