import { describe, expect, it } from 'vitest';
import { startServer } from './start-server.ts';

const json = async (response: Response) => ({ status: response.status, body: await response.json() });

describe('operations routes', () => {
  it('/healthz answers while the process does, also when draining', async () => {
    const { url, health } = await startServer();
    health.state = 'draining';
    expect(await json(await fetch(`${url}/healthz`))).toEqual({ status: 200, body: { status: 'ok' } });
  });

  it.each(['starting', 'draining', 'overloaded'] as const)(
    '/readyz is 503 while %s and says so',
    async (state) => {
      const { url, health } = await startServer();
      health.state = state;
      expect(await json(await fetch(`${url}/readyz`))).toEqual({ status: 503, body: { status: state } });
    },
  );

  it('/readyz reports a dependency that is down without failing', async () => {
    const dependencies = { postgres: 'down', redis: 'up' } as const;
    const { url } = await startServer({ health: { state: 'ready', dependencies } });
    const body = { status: 'ready', dependencies };
    expect(await json(await fetch(`${url}/readyz`))).toEqual({ status: 200, body });
  });

  it('/readyz reports what is found of models without failing', async () => {
    const models = [{ model: 'claude-haiku-4-5', state: 'deprecated', retiresOn: '2027-01-22' }];
    const { url } = await startServer({ health: { state: 'ready', models } });
    expect(await json(await fetch(`${url}/readyz`))).toEqual({
      status: 200,
      body: { status: 'ready', models },
    });
  });

  it('/metrics has its own port, and the public port has none then', async () => {
    const source = { contentType: 'text/plain; version=0.0.4', metrics: async () => 'dash_up 1\n' };
    const { url, server } = await startServer({
      metrics: { source, binding: { host: '127.0.0.1', port: 0 } },
      routes: { metrics: undefined },
    });
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
    const metrics = await fetch(`http://127.0.0.1:${server.metricsAddress?.port}/metrics`);
    expect([metrics.status, await metrics.text()]).toEqual([200, 'dash_up 1\n']);
    expect(metrics.headers.get('content-type')).toContain('version=0.0.4');
  });

  it('/metrics is on the public port in development', async () => {
    const { url } = await startServer();
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
  });

  it('frees its ports when it closes, also if one of them was taken', async () => {
    const first = await startServer();
    const taken = { host: '127.0.0.1', port: first.port };
    await expect(startServer({ binding: taken })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await first.server.close();
    await first.server.close();
    const second = await startServer({ binding: taken });
    expect(second.port).toBe(first.port);
  });
});
