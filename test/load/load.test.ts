/** `dash-relay load` against relays of real sockets, in small. */
import { describe, expect, it } from 'vitest';
import { startServer } from '../http/start-server.ts';
import { RelayClient } from '../support/relay-client.ts';
import { startRelay, startSimulatedRelay } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { figuresOfLoad, startLoad } from './load-process.ts';

/** Some 40 deltas of an answer in half a second. */
const PACE = { firstTokenMs: 20, deltasPerSecond: 80 } as const;
const DELTAS = Array.from({ length: 40 }, (_, at) => `word${at} ü `);
/** Its model is one that is paid for, as far as anybody can tell. */
const SMALL = ['--yes', '--streams', '12', '--per-socket', '4', '--ramp', '0.3', '--minutes', '0.03'];

async function talkingRelay(environment = {}) {
  const relay = await startSimulatedRelay({ pace: PACE }, environment);
  relay.simulator.always({ deltas: DELTAS });
  return relay;
}

describe('a load', () => {
  it.each(['websocket', 'sse'])(
    'by %s loses connections on purpose, and each answer is whole',
    async (transport) => {
      await using relay = await talkingRelay();
      const figures = await figuresOfLoad(
        '--url',
        relay.url,
        ...SMALL,
        '--transport',
        transport,
        '--drop',
        '60%',
      );
      const { questions, faults, resumes, cuts, answeredBy, errors } = figures;
      expect({ errors, faults }).toEqual({ errors: {}, faults: { missing: 0, doubled: 0, incomplete: 0 } });
      expect(answeredBy).toEqual({ [transport]: questions.answered });
      expect(Math.min(resumes, cuts)).toBeGreaterThan(0);
      expect(figures.deltas).toBe(questions.answered * DELTAS.length);
      expect(figures.firstTokenMs).toMatchObject({ count: questions.started });
      const rows = await relay.usageRows();
      expect(rows.filter(({ status }) => status === 'done')).toHaveLength(questions.answered);
      expect(figures.outputTokens).toBe(rows.reduce((sum, { outputTokens }) => sum + (outputTokens ?? 0), 0));
      expect(figures.costUsd).toBeGreaterThan(0);
    },
  );

  it('by JSON counts deltas by their endings, and says what was asked', async () => {
    await using relay = await talkingRelay();
    const token = await relay.token();
    const words = [
      '--token',
      token,
      '--transport',
      'json',
      '--message',
      'Why?',
      '--message',
      'And why? '.repeat(50),
    ];
    const figures = await figuresOfLoad('--url', `${relay.url}/`, ...SMALL, ...words);
    expect(figures.answeredBy).toEqual({ json: figures.questions.answered });
    expect(figures.deltas).toBe(figures.questions.answered * DELTAS.length);
    const prompts = new Set((await relay.usageRows()).map(({ inputTokens }) => inputTokens));
    expect(prompts.size).toBe(2); // a short question and a long one
    expect(JSON.stringify(figures)).not.toContain(token);
  });

  it('ends with 1 where a threshold is missed, and says which; errors have advice', async () => {
    await using relay = await talkingRelay({ MAX_STREAMS_PER_USER: '3' });
    const limits = ['--max-first-token-p95', '1', '--max-errors', '100%', '--min-deltas', '1'];
    const { code, stdout, stderr } = await startLoad('--url', relay.url, ...SMALL, ...limits).finished;
    expect(code).toBe(stdout.includes('\nvoid ') ? 3 : 1); // 3 where this very machine was too slow
    expect(stdout).toMatch(/\nmiss {2}--max-first-token-p95: [\d.]+ ms, at most 1\n/);
    expect(stdout).toMatch(/\nok {4}--max-errors: [\d.]+%, at most 100%\n/);
    expect(stdout).toMatch(/\nnote {2}too_many_streams: .*--tokens/);
    expect(stderr).toMatch(
      /^ +1 s {2}live \d+ {2}started \d+ {2}ended \d+ {2}first token \d+\/\d+ ms .* lag \d+ ms$/m,
    );
  });

  it('stops the model of every answer at Ctrl-C, and says how it went', async () => {
    await using relay = await talkingRelay();
    relay.simulator.always({ deltas: Array.from({ length: 2000 }, () => 'word ') });
    const { child, progress, finished } = startLoad('--json', '--url', relay.url, ...SMALL, '--minutes', '5');
    await eventually('all are live', () => / live 12 /.test(progress()));
    child.kill('SIGINT');
    const { code, stdout } = await finished;
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({
      stopped: 'interrupted',
      questions: { started: 12, cancelled: 12 },
    });
    const rows = await relay.usageRows();
    expect(rows.map(({ status }) => status)).toEqual(Array(12).fill('cancelled'));
  });
});

describe('money', () => {
  it('is not spent before somebody has said that it may be', async () => {
    await using relay = await talkingRelay();
    const { code, stdout, stderr } = await startLoad('--url', relay.url).finished;
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/each answer is paid for: some 600 questions .* come to \$\d+\.\d\d\n/);
    expect(stderr).toContain('--max-cost-usd');
    expect(relay.simulator.requests).toEqual([]);
  });

  it('is not spent beyond --max-cost-usd', async () => {
    await using relay = await talkingRelay();
    const words = ['--max-tokens', '100', '--max-cost-usd', '0.02', '--minutes', '5'];
    const figures = await figuresOfLoad('--url', relay.url, ...SMALL, ...words);
    expect(figures.stopped).toBe('cost');
    expect(figures.costUsd).toBeGreaterThan(0.01);
    expect(figures.costUsd).toBeLessThanOrEqual(0.02);
    expect(figures.code).toBe(figures.generator.isBottleneck ? 3 : 0);
  });

  it('is none where the relay itself says that its model is simulated', async () => {
    await using relay = await startRelay();
    const figures = await figuresOfLoad(
      '--url',
      relay.url,
      '--streams',
      '2',
      '--ramp',
      '0',
      '--minutes',
      '0.01',
      '--max-tokens',
      '5',
    );
    const { costUsd, questions } = figures;
    expect(costUsd).toBeNull();
    expect(questions.answered).toBeGreaterThanOrEqual(2);
    expect(questions.answered).toBe(questions.started);
  });
});

describe('what stands in the way is said before anything is asked', () => {
  const refusedLoad = async (...args: string[]) => {
    const { code, stdout, stderr } = await startLoad('--yes', ...args).finished;
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    return stderr;
  };

  it('nobody there; another server; a bad token; a full relay', async () => {
    const { url: other, port } = await startServer();
    await using relay = await talkingRelay({ MAX_CONNECTIONS: '1' });
    const token = await relay.token();
    const [gone, unissued, bad] = await Promise.all([
      refusedLoad('--url', 'ws://127.0.0.1:9', '--token', token),
      refusedLoad('--url', `ws://127.0.0.1:${port}`),
      refusedLoad('--url', relay.url, '--token', 'a.b.c'),
    ]);
    expect(gone).toContain('no relay answers at http://127.0.0.1:9: ');
    expect(unissued).toContain('issues no development token (404)');
    expect(bad).toContain('refuses the token: unauthorized');
    const holder = new RelayClient({ url: relay.url, token });
    await holder.connect();
    expect(await refusedLoad('--url', relay.url, '--token', token)).toContain(
      'takes nobody now: unavailable',
    );
    await holder.close();
    expect(other).toContain(String(port));
  });
});
