/** An answer that takes long enough for something to happen to it. */
import { expect } from 'vitest';
import type { AssistantPage } from '../support/assistant-page.ts';
import { numberedWords, type OpenOptions, PACE, type Stage } from './stage.ts';

const WORDS = numberedWords(120);

/** Browsers log requests that the network refuses. */
export const NETWORK = /ERR_|WebSocket connection/;

export interface Answering extends AssistantPage {
  /** The whole answer is there, each word once, and the model was asked once. */
  wholeOnce(): Promise<void>;
}

/** Returns while the words arrive. `before`: the first things done on the page. */
export async function answering(
  stage: Stage,
  options?: OpenOptions,
  before: (demo: AssistantPage) => Promise<unknown> = async () => {},
): Promise<Answering> {
  const demo = await stage.open(options);
  const { simulator } = stage.relay;
  const requests = simulator.requests.length;
  await before(demo);
  simulator.script({ deltas: WORDS, pace: PACE });
  await demo.ask('Count to a hundred and twenty');
  await demo.answer.getByText('word-9').waitFor();
  return {
    ...demo,
    async wholeOnce() {
      await demo.ended();
      expect(await demo.text()).toBe(WORDS.join(''));
      expect(simulator.requests.length).toBe(requests + 1);
    },
  };
}
