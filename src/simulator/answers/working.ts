/** A sum, worked out the way a teacher writes it on the board. */
import type { Random } from '../random.ts';
import type { Step } from './expression.ts';
import { paragraphs } from './markdown.ts';

/** @param steps at least one */
export function showWorking(steps: readonly Step[], random: Random): string {
  const last = steps.at(-1);
  if (last === undefined || !steps.every((step) => Number.isFinite(step.result))) return noResult();
  const question = random.pick([
    'Want to try a similar one yourself?',
    'Shall I give you three more of the same kind?',
  ]);
  if (steps.length === 1)
    return paragraphs(`**${equation(last)}** ✅`, 'Here is a way to see it:', insight(last), question);
  return paragraphs(
    `The answer is **${numeral(last.result)}**. ✅`,
    'The order matters: brackets first, then powers, then × and ÷, and + and − last.',
    steps.map((step, i) => `${i + 1}. ${equation(step)}`).join('\n'),
    question,
  );
}

function equation({ left, operator, right, result }: Step): string {
  const exact = Number(result.toPrecision(6)) === result;
  const sum =
    operator === '^'
      ? `${numeral(left)}${superscript(right)}`
      : `${numeral(left)} ${operator} ${numeral(right)}`;
  return `${sum} ${exact ? '=' : '≈'} ${numeral(exact ? result : Number(result.toFixed(4)))}`;
}

function superscript(value: number): string {
  return String(value).replace(/\d/gu, (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)] ?? digit);
}

function numeral(value: number): string {
  return String(value).replace('-', '−');
}

function insight({ left, operator, right, result }: Step): string {
  const [a, b] = [numeral(left), numeral(right)];
  switch (operator) {
    case '+':
      return `Start at ${a} and count on ${b}. You can check it by going back: ${numeral(result)} − ${b} = ${a}.`;
    case '−':
      return `Ask what must be added to ${b} to reach ${a}. Check: ${numeral(result)} + ${b} = ${a}.`;
    case '×':
      return `${a} × ${b} means ${a} groups of ${b}. Turned round it is the same: ${b} × ${a} = ${numeral(result)}. Split a hard one into easier ones, for instance 7 × 8 = 5 × 8 + 2 × 8.`;
    case '÷':
      return Number.isInteger(left) && Number.isInteger(right) && left % right !== 0
        ? `${b} fits into ${a} exactly ${Math.floor(left / right)} times, and **${left % right}** remains. Going on behind the decimal point gives the rest.`
        : `Ask how many times ${b} fits into ${a}. Check: ${numeral(result)} × ${b} gives ${a} again.`;
    case '^':
      return `The small number counts how often ${a} is multiplied with itself: ${b} times.`;
  }
}

function noResult(): string {
  return paragraphs(
    'That one has no answer: **division by zero is not defined**. 🤔',
    'Division asks how many times a number fits. How often does 0 fit into 6? You could take it away for ever and never finish, so no number is right.',
    'Check it backwards: if 6 ÷ 0 were some number, that number × 0 would have to be 6. But anything × 0 is 0.',
  );
}
