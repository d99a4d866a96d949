/** The examples for a terminal, each run as its README says, against a relay process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { PYTHON } from '../clients/close-codes/clients.ts';
import { PACKED_MS } from '../packages/packed.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { dataDirectory, type RelayChild, spawnRelay, upstreamAt } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { copyExample, installExample } from './example-project.ts';

/** Long enough to be cut off in its middle. */
const LONG_ANSWER = Array.from({ length: 400 }, (_, index) => `Piece ${index} of a long answer. `);
/** Of the socket; handshakes and tokens are shorter. */
const CUT_AFTER_BYTES = 8_000;

const data = dataDirectory();
let simulator: Simulator;
let relay: RelayChild;
beforeAll(async () => {
  simulator = await startSimulator();
  relay = await spawnRelay(data.path, upstreamAt(simulator.url));
});
afterAll(async () => {
  await relay?.[Symbol.asyncDispose]();
  await simulator?.close();
  data[Symbol.dispose]();
});

describe.each([
  { name: 'node', program: process.execPath, script: 'ask.js', prepare: () => installExample('node') },
  { name: 'ag-ui', program: process.execPath, script: 'ask.js', prepare: () => installExample('ag-ui') },
  { name: 'python', program: PYTHON, script: 'ask.py', prepare: () => copyExample('python') },
])('examples/$name', ({ program, script, prepare }) => {
  let example: Awaited<ReturnType<typeof prepare>>;
  beforeAll(async () => {
    example = await prepare();
  }, PACKED_MS);
  afterAll(() => example?.[Symbol.asyncDispose]());

  /** Runs it with a question; `said` is what it has printed so far. */
  function start(environment: Readonly<Record<string, string>> = {}) {
    const child = spawn(program, [script, 'Why is the sky blue?'], {
      cwd: example.folder,
      env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', DASH_RELAY_URL: relay.url, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return recorded(child);
  }

  it('prints the answer as it is said, then what it cost', async () => {
    simulator.script({ deltas: ['Air bends ', 'blue\u001b[2J ', 'light.\n'] });
    const { ended, said } = start();
    expect(await ended).toBe(0);
    expect(said.out).toBe('Air bends blue[2J light.\n');
    expect(said.notes.trim()).toMatch(/^done: \d+ tokens in, \d+ out$/);
  });

  it('goes on after a lost socket, with nothing lost and nothing twice', async () => {
    simulator.script({ deltas: LONG_ANSWER, pace: { firstTokenMs: 0, deltasPerSecond: 1_000 } });
    const asked = simulator.requests.length;
    let cuts = 0;
    await using proxy = await startFaultProxy(relay.url, () =>
      cuts === 0 ? { fault: { afterBytes: CUT_AFTER_BYTES, kind: 'cut' } } : {},
    );
    const { ended, said } = start({ DASH_RELAY_URL: proxy.url });
    await eventually('the cut', () => {
      cuts = proxy.faults;
      return cuts > 0;
    });
    expect(await ended).toBe(0);
    expect(said.out).toBe(LONG_ANSWER.join(''));
    expect(said.notes).toMatch(/\[(connection lost|no connection), (reconnecting|trying again)\]/);
    expect(simulator.requests.length).toBe(asked + 1);
  });

  it('stops the model at Ctrl-C, and shows the receipt', async () => {
    simulator.script('stall');
    const { child, ended, said } = start();
    await eventually('some text', () => said.out !== '');
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(said.notes.trim()).toMatch(/^cancelled: \d+ tokens in, \d+ out$/);
    await eventually('the model was left', () => simulator.stats.open === 0);
    expect((await relay.usageRows()).at(-1)).toMatchObject({ status: 'cancelled' });
  });

  it('says in words what is wrong', async () => {
    const { ended, said } = start({ DASH_TOKEN: 'of-nobody' });
    expect(await ended).toBe(1);
    expect(said).toEqual({
      out: '',
      notes: expect.stringMatching(/^\s*The relay does not know you[^\n]*\n$/),
    });
  });
});

function recorded(child: ChildProcess) {
  const said = { out: '', notes: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.notes += text;
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, ended, said };
}
