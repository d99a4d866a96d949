/**
 * What in a source text reaches the app's old functions, their model or their tables, found by the words that such code
 * has. It reads no syntax: what it says is a list to go through, with a line for each place, and not a proof.
 */

/** One place of a text. */
export interface Caller {
  /** From 1. */
  readonly line: number;
  readonly what: Callee;
  /** The old function or the table, as it is named there. */
  readonly name: string;
}

export type Callee = CalledFunction | { readonly kind: 'model' } | TableUse;

export interface CalledFunction {
  readonly kind: 'function';
  readonly by: 'invoke' | 'fetch' | 'WebSocket' | 'EventSource' | 'its name';
  /** What its body asks for; null: nothing is said there, or it is known only when it runs. */
  readonly action: string | null;
  /** Whether it reads the answer while it comes. */
  readonly streams: boolean;
  /** Whether it brings tools of its own. */
  readonly tools: boolean;
}

export interface TableUse {
  readonly kind: 'table';
  readonly does: 'reads' | 'writes' | 'counts';
}

/** In quotes alone, or at the end of an address. */
const OLD_FUNCTION = /(?:['"`](?=[\w-]+['"`?/])|\/functions\/v1\/)(ai-(?:gateway|proxy)(?:-ws)?)(?![\w-])/g;
/** A variable of the environment that is called after it. */
const OLD_ADDRESS = /\benv(?:\.|\[['"])\w*?AI_(GATEWAY|PROXY)(_WS)?(?![A-Z0-9])\w*/g;
const ANY_FUNCTION = /\bfunctions\s*\.\s*invoke(?:<[^>]{0,200}>)?\(\s*['"`]([\w-]{1,64})['"`]/g;
const MODEL = /api\.anthropic\.com|['"`]@anthropic-ai\/sdk['"`]|npm:@anthropic-ai\/sdk/g;
const TABLE = /\.from\(\s*['"`](\w{0,40}(?:ai_usage|usage_logs?|ai_logs?)\w{0,40})['"`]\s*\)/g;
const COUNTER = /\.rpc\(\s*['"`](\w{0,40}usage\w{0,40})['"`]/g;

/** How far before a name its call begins, and how far after it its body goes, characters. */
const BEFORE = 400;
const AFTER = 1_500;
/** The end of a function or method: what stands beyond belongs to another one. */
const FUNCTION_END = /^(?:\s*\}|\};)\s*$/gm;
const INVOKES = /\.invoke(?:<[^>]{0,200}>)?\(\s*$/;
const CALLS = [
  ['WebSocket', /\bnew\s+WebSocket\(/],
  ['EventSource', /\bnew\s+EventSource\(/],
  ['fetch', /\bfetch\(|\baxios\b|\bXMLHttpRequest\b/],
] as const;
/** Without a group where it is known only when it runs. */
const ACTION = /\b(?:action|service_type)['"]?\s*(?::\s*(?:['"`]([\w-]{1,64})['"`]|[\w$.]+)|[,}])/;
const LITERAL_ACTION = /\b(?:action|service_type)['"]?\s*:\s*['"`]([\w-]{1,64})['"`]/;
const STREAMS = /\bstream['"]?\s*:\s*true\b|text\/event-stream|\.getReader\(\)/;
const TOOLS = /\b(?:client_tools|tools)['"]?\s*:(?!\s*\[\s*\])|[{,]\s*(?:client_tools|tools)\s*[,}]/;

/** In the order of their lines. */
export function findCallers(text: string): Caller[] {
  const code = withoutComments(text);
  const named = namesIn(code);
  const found = [
    ...named.map((name, index) => calledFunction(code, name, named[index - 1], named[index + 1])),
    ...otherFunctions(code),
    ...[...code.matchAll(MODEL)].map((match) => at(match, { kind: 'model' }, 'api.anthropic.com')),
    ...[...code.matchAll(TABLE)].map((match) => at(match, { kind: 'table', does: doesAt(code, match) })),
    ...[...code.matchAll(COUNTER)].map((match) => at(match, { kind: 'table', does: 'counts' })),
  ];
  const lineOf = lineNumbers(code);
  return found
    .sort((one, other) => one.index - other.index)
    .map(({ index, what, name }) => ({ line: lineOf(index), what, name }));
}

interface Found {
  readonly index: number;
  readonly what: Callee;
  readonly name: string;
}

function at(match: RegExpExecArray, what: Callee, name = match[1] ?? ''): Found {
  return { index: match.index, what, name };
}

/** Where an old function is named. */
interface Name {
  readonly index: number;
  /** Of the text that names it. */
  readonly end: number;
  readonly name: string;
}

function namesIn(code: string): Name[] {
  const literals = [...code.matchAll(OLD_FUNCTION)].map((match) => nameAt(match, match[1] ?? ''));
  const addresses = [...code.matchAll(OLD_ADDRESS)].map((match) =>
    nameAt(match, `ai-${match[1]}${match[2] ?? ''}`.toLowerCase().replace('_', '-')),
  );
  return [...literals, ...addresses].sort((one, other) => one.index - other.index);
}

function nameAt({ index, 0: { length } }: RegExpExecArray, name: string): Name {
  return { index, end: index + length, name };
}

/** What belongs to it ends where its function ends, or the next name stands. */
function calledFunction(
  code: string,
  { index, name }: Name,
  last: Name | undefined,
  next: Name | undefined,
): Found {
  const from = Math.max(index - BEFORE, last?.end ?? 0);
  const before = afterLast(code.slice(from, index));
  const after = beforeFirst(code.slice(index, Math.min(index + AFTER, next?.index ?? code.length)));
  const by = INVOKES.test(before) ? 'invoke' : (callIn(before) ?? callIn(after) ?? 'its name');
  const what: CalledFunction = {
    kind: 'function',
    by,
    action: actionIn(before, after),
    streams: by === 'WebSocket' || by === 'EventSource' || STREAMS.test(before + after),
    tools: TOOLS.test(after),
  };
  return { index, what, name };
}

function afterLast(text: string): string {
  const end = [...text.matchAll(FUNCTION_END)].at(-1);
  return end === undefined ? text : text.slice(end.index + end[0].length);
}

function beforeFirst(text: string): string {
  const [end] = text.matchAll(FUNCTION_END);
  return end === undefined ? text : text.slice(0, end.index);
}

function callIn(text: string): CalledFunction['by'] | undefined {
  return CALLS.find(([, words]) => words.test(text))?.[0];
}

/** Bodies stand after the name they go to, or are made before it. */
function actionIn(before: string, after: string): string | null {
  const said = ACTION.exec(after);
  return (said === null ? LITERAL_ACTION.exec(before)?.[1] : said[1]) ?? null;
}

/** Functions of the app that have nothing to do with the relay. */
function otherFunctions(code: string): Found[] {
  return [...code.matchAll(ANY_FUNCTION)]
    .filter(([, name = '']) => !/^ai-(?:gateway|proxy)(?:-ws)?$/.test(name))
    .map((match) =>
      at(match, { kind: 'function', by: 'invoke', action: null, streams: false, tools: false }),
    );
}

function doesAt(code: string, { index, 0: text }: RegExpExecArray): TableUse['does'] {
  const after = code.slice(index + text.length, index + text.length + 200);
  return /^\s*\.\s*(?:insert|upsert|update)\b/.test(after) ? 'writes' : 'reads';
}

/** Those of media types and file patterns (`image/*`) begin none. */
const COMMENT = /(?<![\w*.'"`/])\/\*/g;

/** Of the same length, and with the same lines: what is commented out calls nobody. */
function withoutComments(text: string): string {
  let code = '';
  let at = 0;
  for (const { index: begin } of text.matchAll(COMMENT)) {
    if (begin < at) continue;
    const end = text.indexOf('*/', begin + 2);
    if (end === -1) break;
    code += text.slice(at, begin) + blank(text.slice(begin, end + 2));
    at = end + 2;
  }
  return (code + text.slice(at)).replaceAll(/(?<![:'"`\w])\/\/[^\n]*/g, blank);
}

function blank(comment: string): string {
  return comment.replaceAll(/[^\n]/g, ' ');
}

function lineNumbers(text: string): (index: number) => number {
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  return (index) => starts.findLastIndex((start) => start <= index) + 1;
}
