/** One attack, in a process of its own: on `begin` it starts, on `outcomes` it says what came back so far. */
import { obey, tell } from '../messages.ts';
import { ATTACKS, type AttackName, type Target } from './attacks.ts';
import { Outcomes } from './raw-requests.ts';

const { attack, target } = JSON.parse(process.argv[2] ?? '{}') as { attack: AttackName; target: Target };
const outcomes = new Outcomes();

obey({
  begin: () => {
    ATTACKS[attack](target, outcomes);
    tell('begin');
  },
  outcomes: () => tell('outcomes', { counts: outcomes.counts }),
});
