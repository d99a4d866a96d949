import { mintTokens } from '../issuer/tokens.ts';
import { fire } from '../load/autocannon.ts';
import { HANDSHAKE, openEach } from '../load/handshakes.ts';
import { atLeast } from '../report/target.ts';
import type { Outcome, Scenario } from '../scenario.ts';
import { onStage, type Stage } from '../stage.ts';
import { perCore, perCoreWarm } from './per-core.ts';
import { TRAFFIC } from './traffic.ts';

const WARM_UP = 2000;
const MEASURED = 4000;
const REFUSALS = { connections: 32, requests: 8000, status: 401 };

/** Good tokens are each used once, because a signature that was proven is remembered. */
export const handshakes: Scenario = {
  name: 'handshakes',
  summary: 'connections opened and closed; refusals by autocannon; by the CPU of the relay alone',
  subjects: ['relay'],
  figures: [
    { name: 'good', label: 'good tokens, ES256 verified', unit: '/s per core', targets: [atLeast(4000)] },
    { name: 'again', label: 'good tokens seen before', unit: '/s per core' },
    {
      name: 'forged',
      label: 'refused: signature of other claims',
      unit: '/s per core',
      targets: [atLeast(7000)],
    },
    { name: 'malformed', label: 'refused: no JWT at all', unit: '/s per core', targets: [atLeast(7000)] },
  ],
  run: (subject) => onStage(subject, TRAFFIC, {}, runHandshakes),
};

async function runHandshakes(stage: Stage): Promise<Outcome> {
  const { port } = stage.subject;
  const tokens = mintTokens(stage.signer, 'h', WARM_UP + MEASURED);
  const [first = '', second = ''] = tokens;
  await openEach(port, tokens.slice(0, WARM_UP));
  const fresh = tokens.slice(WARM_UP);
  const refusals = (token: string) => () => {
    const headers = { ...HANDSHAKE, authorization: `Bearer ${token}` };
    return fire({ ...REFUSALS, port, path: '/v1/ws', headers });
  };
  const figures = {
    good: await perCore(stage, () => openEach(port, fresh)),
    again: await perCore(stage, () => openEach(port, fresh)),
    forged: await perCoreWarm(stage, refusals(forged(first, second))),
    malformed: await perCoreWarm(stage, refusals('hello')),
  };
  return { rounds: [figures] };
}

/** The claims of the one under the signature of the other. */
function forged(token: string, other: string): string {
  return [...token.split('.').slice(0, 2), other.split('.')[2]].join('.');
}
