/** School arithmetic: reads "what is 7 × 8?" or "15% of 80" and works it out step by step. */

type Operator = '+' | '−' | '×' | '÷' | '^';

/** One operation, in the order it is done. */
export interface Step {
  readonly left: number;
  readonly operator: Operator;
  readonly right: number;
  /** Not finite for a division by zero. */
  readonly result: number;
}

type Token = number | Operator | '(' | ')';

const LEAD_IN =
  /^(?:please\s+)?(?:can you\s+)?(?:what(?:'s| is| does)|how much is|calculate|compute|solve|work out|evaluate|tell me)\s+/iu;
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/%\s*of|percent of/giu, '/100*'],
  [/\bsquared\b/giu, '^2'],
  [/\bto the power of\b/giu, '^'],
  [/\b(?:multiplied by|times)\b|[×·∙]|(?<=\d)\s*x\s*(?=\d)/giu, '*'],
  [/\b(?:divided by|over)\b|÷/giu, '/'],
  [/\b(?:plus|and)\b/giu, '+'],
  [/\bminus\b|[−–]/giu, '-'],
];
const OPERATORS: Readonly<Record<string, Operator>> = { '+': '+', '-': '−', '*': '×', '/': '÷', '^': '^' };
const PRECEDENCE: Readonly<Record<Operator, number>> = { '+': 1, '−': 1, '×': 2, '÷': 2, '^': 3 };

/** The steps of the sum the text asks for; undefined if the text is anything but one sum of at most 12 numbers. */
export function parseExpression(text: string): readonly Step[] | undefined {
  if (text.length > 120) return undefined;
  let sum = text.trim().replace(LEAD_IN, '');
  for (const [word, symbol] of WORDS) sum = sum.replace(word, symbol);
  sum = sum
    .replace(/[\s=?.!]+$|please/giu, '')
    .replace(/\s+/gu, ' ')
    .replace(/(?<=\d),(?=\d{3})/gu, '');
  if (!/^[\d\s.+\-*/^()]+$/u.test(sum)) return undefined;
  const tokens = sum.match(/\d+(?:\.\d+)?|[-+*/^()]/gu)?.map(toToken);
  return tokens === undefined || tokens.length > 30 ? undefined : evaluate(tokens);
}

function toToken(text: string): Token {
  return text === '(' || text === ')' ? text : (OPERATORS[text] ?? Number(text));
}

/** Dijkstra's shunting yard; undefined where the tokens are no sum. */
function evaluate(tokens: readonly Token[]): readonly Step[] | undefined {
  const numbers: number[] = [];
  const waiting: (Operator | '(')[] = [];
  const steps: Step[] = [];
  const apply = (operator: Operator): boolean => {
    const right = numbers.pop();
    const left = numbers.pop();
    if (left === undefined || right === undefined) return false;
    const result = calculate(left, operator, right);
    steps.push({ left, operator, right, result });
    numbers.push(result);
    return true;
  };
  const unwind = (until: (top: Operator) => boolean): boolean => {
    for (let top = waiting.at(-1); top !== undefined && top !== '(' && until(top); top = waiting.at(-1)) {
      waiting.pop();
      if (!apply(top)) return false;
    }
    return true;
  };
  let previous: Token | undefined;
  for (const token of tokens) {
    const operand = typeof token === 'number' || token === '(';
    // Operand and operator alternate; two numbers in a row, or a leading sign, are no sum of ours.
    if (operand === (typeof previous === 'number' || previous === ')')) return undefined;
    if (typeof token === 'number') numbers.push(token);
    else if (token === '(') waiting.push(token);
    else if (!unwind((top) => token === ')' || PRECEDENCE[top] >= PRECEDENCE[token])) return undefined;
    else if (token !== ')') waiting.push(token);
    else if (waiting.pop() === undefined) return undefined;
    previous = token;
  }
  return unwind(() => true) && waiting.length === 0 && steps.length > 0 ? steps : undefined;
}

function calculate(left: number, operator: Operator, right: number): number {
  switch (operator) {
    case '+':
      return tidy(left + right);
    case '−':
      return tidy(left - right);
    case '×':
      return tidy(left * right);
    case '÷':
      return tidy(left / right);
    case '^':
      return tidy(left ** right);
  }
}

/** Without the dust of binary fractions: 0.1 + 0.2 is 0.3. */
function tidy(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(12)) : value;
}
