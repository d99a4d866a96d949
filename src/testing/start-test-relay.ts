/**
 * `dash-relay/testing`: the real relay with the simulated model in this process, for tests of apps that use it. Every
 * relay has ports, data and users of its own, and answers without waiting unless it is told to.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeRelay, type RelayService } from '../compose/compose.ts';
import { readConfig } from '../config/environment.ts';
import { UNPACED } from '../simulator/pacer.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../simulator/simulator.ts';

export interface TestRelayOptions {
  /** Keys of the relay's environment, as README lists them: `{ STREAMING_ENABLED: 'false' }`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** How fast the model answers; default at once. */
  readonly pace?: SimulatorOptions['pace'];
}

export interface TestRelay {
  /** For `createDashClient({ url })`. */
  readonly url: string;
  /** The model: `simulator.script(...)` says how the next requests are answered, `requests` what came. */
  readonly simulator: Simulator;
  /**
   * An access token. `sub`: a user's UUID; each has limits and streams of its own. `tier`: the plan, by default
   * `enterprise`, which limits nothing. `expiresIn`: seconds.
   */
  token(sub?: string, options?: { readonly tier?: string; readonly expiresIn?: number }): Promise<string>;
  /** Ends it as a deploy does: streams may finish for DRAIN_MS, then connections close with 1001. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

const SILENT_LOG = { write() {}, dropped: 0, async close() {} };

/**
 * @throws ConfigError for a bad environment
 * @example
 * ```ts
 * import { createDashClient } from '@dash-relay/client';
 * import { startTestRelay } from 'dash-relay/testing';
 *
 * const relay = await startTestRelay({ environment: { MAX_STREAMS_PER_USER: '2' } });
 * const client = createDashClient({ url: relay.url, getToken: () => relay.token() });
 * relay.simulator.script('overloaded-midway');
 * client.close();
 * await relay.close();
 * ```
 */
export async function startTestRelay(options: TestRelayOptions = {}): Promise<TestRelay> {
  const dataDir = await mkdtemp(join(tmpdir(), 'dash-relay-test-'));
  const simulator = await startSimulator({ pace: options.pace ?? UNPACED });
  const cleanUp = async (): Promise<void> => {
    await simulator.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    const relay = await startRelay(dataDir, simulator, options.environment);
    const { url, developmentIssuer } = relay;
    return {
      url,
      simulator,
      async token(sub, more) {
        if (developmentIssuer === undefined) throw new Error('this relay has the keys of another issuer');
        return await developmentIssuer.mint({ sub, tier: 'enterprise', ...more });
      },
      drain: () => relay.drain('test'),
      async close() {
        await relay.close();
        await cleanUp();
      },
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

async function startRelay(
  dataDir: string,
  simulator: Simulator,
  environment: TestRelayOptions['environment'],
): Promise<RelayService> {
  const config = readConfig({
    NODE_ENV: 'test',
    PORT: '0',
    DATA_DIR: dataDir,
    LOG_LEVEL: 'silent',
    ANTHROPIC_API_KEY: 'simulated',
    DASH_DEVELOPMENT: 'true', // the key is none
    MAX_EVENT_LOOP_LAG_MS: '0', // the loop is the tests' as well: how late it is says nothing of the relay
    ANTHROPIC_BASE_URL: simulator.url,
    ...environment,
  });
  // An environment may name another model.
  const isAsked = config.ANTHROPIC_BASE_URL === simulator.url;
  const relay = await composeRelay(config, {
    output: SILENT_LOG,
    simulator: isAsked ? simulator : undefined,
  });
  await relay.start();
  return relay;
}
