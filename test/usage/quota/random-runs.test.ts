import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type { QuotaHolder } from '../../../src/quota/port.ts';
import { Random } from '../../../src/simulator/random.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { eventually, LONG, SEED } from '../../support/test-run.ts';
import { newDataDir, rowsIn } from '../runs.ts';
import { holderOf, PROMPT_TOKENS, plansOf } from './plan-files.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { DiskSubject } from './quota-subject.ts';

const STEPS = LONG ? 3000 : 300;
const MAX_TOKENS = 500;

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

interface LiveRun {
  readonly epoch: string;
  readonly maxTokens: number;
  billed: number;
}

/** One machine: it starts runs, is billed for them, learns how long their prompts are, ends them, is killed and comes back, with and without Postgres. */
class Machine {
  readonly live = new Map<string, LiveRun>();
  readonly #random: Random;
  readonly #holders: readonly QuotaHolder[];
  readonly #dataDir = newDataDir();
  readonly #shared: boolean;
  readonly clock = new ManualClock();
  postgresDown = false;
  subject: DiskSubject;

  /** It ends with the test, also with one that fails. */
  constructor(random: Random, holders: readonly QuotaHolder[], { shared }: { readonly shared: boolean }) {
    this.#random = random;
    this.#holders = holders;
    this.#shared = shared;
    this.subject = this.#boot();
    onTestFinished(() => this.subject.remove());
  }

  /** What the model has billed of ended runs, as the ledger has it, and the most that it may bill of live ones. */
  get owed(): number {
    const ended = rowsIn(this.#dataDir.path).filter(({ status }) => status !== 'running');
    let sum = ended.reduce((tokens, row) => tokens + row.inputTokens + row.outputTokens, 0);
    for (const run of this.live.values()) sum += mostOf(run);
    return sum;
  }

  async step(): Promise<void> {
    const runs = [...this.live.values()];
    const run = runs[this.#random.integer(0, Math.max(0, runs.length - 1))];
    const dice = this.#random.integer(0, 99);
    if (dice < 40 || run === undefined) await this.#start();
    else if (dice < 62) this.#bill(run);
    else if (dice < 70) this.#correct(run);
    else if (dice < 90) await this.end(run);
    else if (dice < 95) await this.#crash();
    else if (this.#shared) await this.#toggle();
  }

  async end(run: LiveRun): Promise<void> {
    this.live.delete(run.epoch);
    const status = run.billed === 0 ? 'cancelled' : 'done';
    await this.subject.end(run.epoch, usageOf(run), { status });
  }

  /** Everything has arrived where it belongs. */
  async quiet(): Promise<void> {
    this.postgresDown = false;
    await eventually('delivered', async () => {
      await this.#reached();
      return this.subject.quota.undelivered === 0;
    });
  }

  async #start(): Promise<void> {
    const maxTokens = this.#random.integer(1, MAX_TOKENS);
    const holder = this.#holders[this.#random.integer(0, this.#holders.length - 1)] ?? holderOf();
    try {
      const { epoch } = await this.subject.begin({ holder, maxTokens });
      this.live.set(epoch, { epoch, maxTokens, billed: 0 });
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^(quota_exceeded|rate_limited)$/) });
    }
  }

  #bill(run: LiveRun): void {
    run.billed = Math.min(mostOf(run), run.billed + this.#random.integer(1, 200));
    this.subject.bill(run.epoch, usageOf(run));
    if (this.#random.integer(0, 1) === 0) this.clock.advance(1000);
  }

  /** Counted is at least what is billed. */
  #correct(run: LiveRun): void {
    this.subject.correct(run.epoch, this.#random.integer(PROMPT_TOKENS, 400));
  }

  async #crash(): Promise<void> {
    await this.subject.crash();
    this.live.clear();
    this.subject = this.#boot();
    await this.subject.quota.start();
  }

  async #toggle(): Promise<void> {
    this.postgresDown = !this.postgresDown;
    if (!this.postgresDown) await this.#reached();
  }

  /** The clock stands still otherwise: nobody would ask Postgres again. */
  async #reached(): Promise<void> {
    await eventually('Postgres is asked again', () => {
      if (this.subject.quota.alone) this.clock.advance(1000);
      return !this.subject.quota.alone;
    });
  }

  #boot(): DiskSubject {
    const { query, close } = server.relay();
    const guarded: typeof query = async (...statement) => {
      if (this.postgresDown) throw new Error('down');
      return await query(...statement);
    };
    const postgres = this.#shared ? { query: guarded, close } : undefined;
    if (!this.#shared) void close();
    const plans = plansOf({ plans: { free: { user: { tokensPerDay: 40_000 } } } });
    return new DiskSubject({ plans, postgres, clock: this.clock }, { dataDir: this.#dataDir });
  }
}

/** The prompt and the cap: the model's own promise. */
function mostOf({ maxTokens }: LiveRun): number {
  return PROMPT_TOKENS + maxTokens;
}

function usageOf({ billed }: LiveRun) {
  const inputTokens = Math.min(PROMPT_TOKENS, billed);
  return { inputTokens, outputTokens: billed - inputTokens };
}

/** New ones for each try of a test: of those before it Postgres knows. */
const holdersOfTest = () => Array.from({ length: 3 }, () => holderOf());

async function counted({ subject }: Machine, holders: readonly QuotaHolder[]) {
  let [used, reserved] = [0, 0];
  for (const holder of holders) {
    const [isUsed, isReserved] = (await subject.standing(holder))['tokens user day'] ?? [0, 0];
    used += isUsed;
    reserved += isReserved;
  }
  return { used, reserved };
}

it('alone: reserved covers billed at every moment, through crashes, and is zero in the end', async () => {
  const holders = holdersOfTest();
  const machine = new Machine(new Random(SEED), holders, { shared: false });
  for (let step = 0; step < STEPS; step += 1) {
    await machine.step();
    const { used, reserved } = await counted(machine, holders);
    expect(used + reserved, `step ${step}, seed ${SEED}`).toBeGreaterThanOrEqual(machine.owed);
  }
  for (const run of machine.live.values()) await machine.end(run);
  expect(await counted(machine, holders), SEED).toEqual({ used: machine.owed, reserved: 0 });
});

it('two relays on Postgres: the same, whenever it answers, also behind outages', async () => {
  const random = new Random(SEED);
  const holders = holdersOfTest();
  const machineOf = () => new Machine(random, holders, { shared: true });
  const machines = [machineOf(), machineOf()] as const;
  for (const machine of machines) await machine.subject.quota.start();
  const owed = () => machines.reduce((sum, machine) => sum + machine.owed, 0);
  for (let step = 0; step < STEPS; step += 1) {
    await machines[random.integer(0, 1) === 0 ? 0 : 1].step();
    if (machines.some(({ postgresDown, subject }) => postgresDown || subject.quota.alone)) continue;
    const { used, reserved } = await counted(machines[0], holders);
    expect(used + reserved, `step ${step}, seed ${SEED}`).toBeGreaterThanOrEqual(owed());
  }
  for (const machine of machines) {
    for (const run of machine.live.values()) await machine.end(run);
    await machine.quiet();
  }
  expect(await counted(machines[0], holders), SEED).toEqual({ used: owed(), reserved: 0 });
});
