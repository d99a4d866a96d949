/** Runs a target: its corpus as it stands, then changed inputs. What fails is shrunk and told with the seed that plays it again. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { FuzzSubject, FuzzTarget } from './fuzz-target.ts';
import { mutated } from './mutation.ts';

export interface Campaign {
  /** Equal seeds give equal inputs. */
  readonly seed: number;
  /** Inputs beside those of the corpus. */
  readonly cases: number;
  /** What is changed, in place of the target's corpus. */
  readonly corpus?: readonly string[];
  /** Inputs that are tried as they stand, before all others. Default: the corpus. */
  readonly examples?: readonly string[];
  /** Told each input before it is tried. */
  readonly onInput?: (input: string) => void;
}

/** Every object inherits from one of these. */
const PROTOTYPES = [
  Object.prototype,
  Array.prototype,
  Function.prototype,
  String.prototype,
  Promise.prototype,
];
const namesOf = (): number[] => PROTOTYPES.map((each) => Reflect.ownKeys(each).length);

/** @throws Error naming the seed and the shortest input that breaks a property */
export async function fuzz(target: FuzzTarget, campaign: Campaign): Promise<void> {
  await using opened = await target.open();
  await fuzzOpened(target, opened, campaign);
}

/** The same with a subject that goes on afterwards. */
export async function fuzzOpened(target: FuzzTarget, opened: FuzzSubject, campaign: Campaign): Promise<void> {
  const { seed, cases, corpus = target.corpus, examples = corpus, onInput = () => {} } = campaign;
  const names = namesOf();
  const faults: unknown[] = [];
  const notice = (fault: unknown): void => void faults.push(fault);
  const property = fc.asyncProperty(mutated(corpus, target.words), async (input) => {
    onInput(input);
    await opened.check(input);
    assert.deepEqual(namesOf(), names, 'a prototype has another property than before');
    if (faults.length > 0) throw faults.splice(0)[0];
  });
  // What nobody waited for would end a relay.
  process.on('uncaughtException', notice).on('unhandledRejection', notice);
  try {
    const first = examples.map((input): [string] => [input]);
    await fc.assert(property, { seed, numRuns: cases + first.length, examples: first });
  } catch (error) {
    const again = `npm run fuzz -- --seed ${seed} '${target.name}'`;
    throw new Error(`${target.name}: a property does not hold; ${again}\n${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    process.off('uncaughtException', notice).off('unhandledRejection', notice);
  }
}

/** With what the property said, which is inside of what fast-check says. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}\n${messageOf(error.cause)}`;
}
