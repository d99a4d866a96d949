/** What the model says to each question of a soak: another text each time, which whoever checks an answer can say as well. */
import { createHash } from 'node:crypto';
import type { Scripted } from '../../src/simulator/simulator.ts';

const SHORTEST_DELTAS = 30;
const MORE_DELTAS = 120;
/** What a JSON string, a line or a byte count may trip over is in each answer. */
const PIECES = ['The sum ', 'größer als ', '数字 ', '🎉 ', '"half" \\ ', '\n\n- ', 'and so on, ', 'Łódź\t'];
/** A second to seven. */
const PACE = { firstTokenMs: [100, 400], deltasPerSecond: [20, 60] } as const;

export function questionOf(number: number): string {
  return `Question ${number} of the soak.`;
}

export function deltasOf(question: string): readonly string[] {
  const number = Number(/\d+/.exec(question)?.[0]);
  const length = SHORTEST_DELTAS + ((number * 37) % MORE_DELTAS);
  return Array.from(
    { length },
    (_, index) => `${PIECES[(number + index * 5) % PIECES.length]}${number}.${index} `,
  );
}

export const behaviour: Scripted = ({ question }) => ({
  deltas: deltasOf(question),
  thinking: false,
  pace: PACE,
});

/** `whole`: the text of that answer, by its hash. `begun`: the beginning of it. */
export function compareText(question: string, text: string): 'whole' | 'begun' | 'wrong' {
  const expected = deltasOf(question).join('');
  if (hashOf(expected) === hashOf(text)) return 'whole';
  return expected.startsWith(text) ? 'begun' : 'wrong';
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
