/** One attack, in a process of its own: begun when it is, says how often what came back each time it is asked. */
import { ATTACKS, type AttackName, type Target } from './attacks.ts';
import { Outcomes } from './raw-requests.ts';

const { attack, target } = JSON.parse(process.argv[2] ?? '{}') as { attack: AttackName; target: Target };
const outcomes = new Outcomes();
ATTACKS[attack](target, outcomes);
process.on('message', () => process.send?.(outcomes.counts));
process.on('disconnect', () => process.exit());
process.send?.('begun');
