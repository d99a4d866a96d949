/**
 * What the client's tests use of vitest, small enough to be compiled for Hermes. Each test prints a line: `ok <name>`,
 * or `not ok <name>: <why>`; the last one says how many there were.
 */
type Body = (...row: never[]) => unknown;

interface Suite {
  (name: string, body: Body): void;
  each(rows: readonly unknown[]): (name: string, body: Body) => void;
}

interface Test {
  readonly name: string;
  run(): unknown;
}

declare const print: (line: string) => void;

const tests: Test[] = [];
const path: string[] = [];
let finished: (() => unknown)[] = [];

export const it = withRows((name, body) => {
  tests.push({ name: [...path, name].join(' > '), run: body });
});

export const describe = withRows((name, body) => {
  path.push(name);
  body();
  path.pop();
});

export function onTestFinished(callback: () => unknown): void {
  finished.push(callback);
}

export function expect(actual: unknown) {
  const judge = (holds: boolean, relation: string, expected: unknown): void => {
    if (!holds) throw new Error(`${described(actual)} ${relation} ${described(expected)}`);
  };
  const size = (): unknown => (actual as { length?: unknown } | undefined)?.length;
  return {
    toBe: (expected: unknown) => judge(Object.is(actual, expected), 'is not', expected),
    toBeUndefined: () => judge(actual === undefined, 'is not', undefined),
    toEqual: (expected: unknown) => judge(agrees(actual, expected, true), 'does not equal', expected),
    toMatchObject: (expected: object) => judge(agrees(actual, expected, false), 'does not match', expected),
    toContain: (part: never) => judge((actual as string | never[]).includes(part), 'does not hold', part),
    toHaveLength: (length: number) => judge(size() === length, 'has not the length', length),
    toBeGreaterThan: (least: number) => judge((actual as number) > least, 'is not above', least),
    toBeLessThanOrEqual: (most: number) => judge((actual as number) <= most, 'is above', most),
    get not() {
      return {
        toBe: (other: unknown) => judge(!Object.is(actual, other), 'is', other),
        toContain: (part: never) => judge(!(actual as string | never[]).includes(part), 'holds', part),
      };
    },
    rejects: {
      toMatchObject: async (expected: object) =>
        expect(await reasonOf(actual as Promise<unknown>)).toMatchObject(expected),
    },
  };
}

/** Runs what was declared, one after the other. */
export async function runTests(): Promise<void> {
  for (const { name, run } of tests) {
    try {
      await run();
      print(`ok ${name}`);
    } catch (error) {
      print(`not ok ${name}: ${String(error).split('\n')[0]}`);
    }
    for (const callback of finished) await callback();
    finished = [];
  }
  print(`ran ${tests.length}`);
}

function withRows(declare: (name: string, body: () => unknown) => void): Suite {
  const each: Suite['each'] = (rows) => (name, body) => {
    for (const row of rows) {
      const values = (Array.isArray(row) ? row : [row]) as never[];
      declare(`${name} ${JSON.stringify(row)}`, () => body(...values));
    }
  };
  return Object.assign((name: string, body: Body) => declare(name, body as () => unknown), { each });
}

/** @param exact whether `actual` may have nothing more; what is undefined is as good as absent */
function agrees(actual: unknown, expected: unknown, exact: boolean): boolean {
  if (!isTree(actual) || !isTree(expected)) return Object.is(actual, expected);
  if (Array.isArray(actual) && Array.isArray(expected) && actual.length !== expected.length) return false;
  const keys = new Set([...Object.keys(expected), ...(exact ? Object.keys(actual) : [])]);
  return [...keys].every((key) => agrees(actual[key], expected[key], exact));
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

async function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('did not reject');
}

function described(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
