/** An SDK client whose token is revoked while it reads, against a real relay, by every transport. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createDashClient, type Transport } from '../../src/client/index.ts';
import { ask } from '../support/http-doors.ts';
import { startSimulatedRelay, userId } from '../support/relay-process.ts';
import { until } from './test-client.ts';

const ENDLESS = {
  action: 'chat',
  model: 'sim:long',
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
} as const;
const PACE = { firstTokenMs: 0, deltasPerSecond: 8 } as const;

async function revocableRelay() {
  const directory = mkdtempSync(join(tmpdir(), 'revoked-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'revocations.json');
  const relay = await startSimulatedRelay({ pace: PACE }, { REVOCATIONS_FILE: file });
  const revokeSessionOf = (token: string): void => {
    const { session_id: id } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    writeFileSync(file, JSON.stringify({ sessions: { [id]: new Date().toISOString() } }));
  };
  const signIn = async (): Promise<string> => {
    const { body } = await ask(`${relay.url}/dev/token`, {
      method: 'POST',
      body: { sub: userId(1), tier: 'enterprise' },
    });
    return JSON.parse(body).access_token;
  };
  return { relay, revokeSessionOf, signIn };
}

const TRANSPORTS: readonly Transport[] = ['websocket', 'sse', 'json'];

it.each(TRANSPORTS)(
  'by %s: the stream fails as unauthorized, and nobody tries for ever',
  async (transport) => {
    const { relay, revokeSessionOf, signIn } = await revocableRelay();
    await using _ = relay;
    const token = await signIn();
    let asked = 0;
    const getToken = (): string => {
      asked += 1;
      return token;
    };
    const client = createDashClient({ url: relay.url, getToken, transports: [transport] });
    const stream = client.stream(ENDLESS);
    await until(() => relay.simulator.stats.open === 1 && (transport === 'json' || stream.content !== ''));
    revokeSessionOf(token);
    await expect(stream.final).rejects.toMatchObject({ code: 'unauthorized', retryable: false });
    expect(asked).toBeLessThan(8);
    client.close();
  },
);

it.each(TRANSPORTS)('by %s: who has signed in again is told how it ended, and asks on', async (transport) => {
  const { relay, revokeSessionOf, signIn } = await revocableRelay();
  await using _ = relay;
  const old = await signIn();
  const fresh = await signIn();
  let isRevoked = false;
  const client = createDashClient({
    url: relay.url,
    getToken: () => (isRevoked ? fresh : old),
    transports: [transport],
  });
  const stream = client.stream(ENDLESS);
  await until(() => relay.simulator.stats.open === 1 && (transport === 'json' || stream.content !== ''));
  isRevoked = true;
  revokeSessionOf(old);
  await expect(stream.final).rejects.toMatchObject({ code: 'unauthorized' });
  const next = await client.stream({ ...ENDLESS, model: 'sim:fast' }).final;
  expect(next).toMatchObject({ outcome: 'done' });
  expect(relay.simulator.requests).toHaveLength(2);
  client.close();
});
