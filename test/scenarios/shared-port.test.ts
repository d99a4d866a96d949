/** A deploy on one machine: the next process takes the questions while the one before finishes its answers. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDashClient } from '../../src/client/index.ts';
import type { Environment } from '../../src/config/environment.ts';
import { tokenOf } from '../many-machines/machines.ts';
import { startRedis } from '../many-machines/redis-server.ts';
import { freePort } from '../support/free-port.ts';
import { askWhole } from '../support/http-doors.ts';
import { dataDirectory, type RelayChild, spawnRelay } from '../support/relay-process.ts';
import { startSteppedModel } from '../support/stepped-model.ts';
import { report } from '../support/test-run.ts';
import { TEST_ISSUER, TEST_SECRET } from '../support/token-mint.ts';

const EVENTUALLY = 120_000;
const question = (content: string) => ({ action: 'chat', messages: [{ role: 'user' as const, content }] });

async function startMachine(environment: Environment = {}) {
  const open = new AsyncDisposableStack();
  onTestFinished(() => open.disposeAsync());
  const model = open.use(await startSteppedModel());
  const redis = open.use(await startRedis());
  const port = String(await freePort());
  const launch = async (): Promise<RelayChild> => {
    const data = open.use(dataDirectory());
    const settings = {
      ...model.environment,
      SUPABASE_JWT_SECRET: TEST_SECRET,
      SUPABASE_JWT_ISSUER: TEST_ISSUER,
      PORT: port,
      SHARE_PORT: 'true',
      REDIS_URL: redis.url,
      DRAIN_MS: '110000',
      ...environment,
    };
    return open.use(await spawnRelay(data.path, settings));
  };
  const client = (user: number, transports?: readonly ('websocket' | 'sse' | 'json')[]) => {
    const made = createDashClient({
      url: `http://127.0.0.1:${port}`,
      getToken: () => tokenOf(user),
      transports,
    });
    open.defer(() => made.close());
    return made;
  };
  return { model, launch, client, url: `http://127.0.0.1:${port}` };
}

const rowsOf = async (relay: RelayChild) => (await relay.usageRows()).map(({ status }) => status);

describe('with SHARE_PORT', () => {
  it.each(['websocket', 'sse', 'json'] as const)(
    'a question by %s waits for nobody’s answer, and the answer under way comes whole',
    { timeout: EVENTUALLY },
    async (transport) => {
      const { model, launch, client, url } = await startMachine();
      const before = await launch();
      const asker = client(1, [transport, 'json']);
      const long = asker.stream(question('long'));
      const written = await model.call(0);
      written.text('one ', 'two ');
      // A connection that is kept alive, of somebody else.
      const other = tokenOf(2);
      const answer = async (call: number): Promise<void> => {
        const short = await model.call(call);
        short.text('short');
        short.end();
      };
      const first = askWhole(url, other, { id: 'kept-alive', ...question('short') });
      await answer(1);
      await first;
      const after = await launch();
      before.kill('SIGTERM');
      await before.logged('draining');

      const askedAt = performance.now();
      const [own, fresh, kept] = await Promise.all([
        asker.stream(question('mine')).final,
        client(3, [transport, 'json']).stream(question('new')).final,
        askWhole(url, other, { id: 'after', ...question('kept alive') }),
        ...[2, 3, 4].map(answer),
      ]);
      const waited = performance.now() - askedAt;
      report(`three questions during the drain, by ${transport}: ${Math.round(waited)} ms`);
      expect([own.content, fresh.content]).toEqual(['short', 'short']);
      expect(kept).toMatchObject({ content: 'short' });
      expect(await rowsOf(after)).toEqual(['done', 'done', 'done']);

      written.text('three');
      written.end();
      expect((await long.final).content).toBe('one two three');
      expect(await before.exited).toEqual({ code: 0, signal: null });
      expect(await rowsOf(before)).toEqual(['done', 'done']);
    },
  );
});

it('without SHARE_PORT the next process does not start beside it, and says why', {
  timeout: EVENTUALLY,
}, async () => {
  const { launch } = await startMachine({ SHARE_PORT: 'false' });
  await launch();
  await expect(launch()).rejects.toThrow('the relay ended with 1');
});
