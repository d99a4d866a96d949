/**
 * An app that only changes its URL: every body of the table at the path of its function, and the answer compared with the
 * old contract field by field. DASH_PRINT_TABLE=1 prints the table.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';
import { report } from '../support/test-run.ts';
import { OLD_BODIES, type OldBodyCase } from './old-bodies.ts';
import { differences, readAsTheAppDid, SHAPES } from './shapes.ts';

const PACE = { firstTokenMs: 1, deltasPerSecond: 2000 } as const;
const PRINTED: string[] = [];

let relay: SimulatedRelay;
beforeAll(async () => {
  const models = ['claude-haiku-5-5', 'claude-haiku-4-5-20251001'];
  relay = await startSimulatedRelay({ pace: PACE, keepBodies: true, models });
});
afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  if (process.env['DASH_PRINT_TABLE'] === '1') report(PRINTED.join('\n'));
});

async function send({ path, body, headers = {}, token }: OldBodyCase): Promise<Response> {
  const authorization = token === false ? {} : { authorization: `Bearer ${await relay.token()}` };
  return await fetch(relay.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close', ...authorization, ...headers },
    body: JSON.stringify(body),
  });
}

it('has forty bodies and more, each of its own', () => {
  expect(OLD_BODIES.length).toBeGreaterThanOrEqual(40);
  expect(
    new Set(OLD_BODIES.map(({ body, path, headers, token }) => JSON.stringify([body, path, headers, token])))
      .size,
  ).toBe(OLD_BODIES.length);
});

describe.each(OLD_BODIES)('$path: $what', (row) => {
  it(`is answered as the old function did: ${row.shape}`, async () => {
    const before = { asked: relay.simulator.requests.length, rows: (await relay.usageRows()).length };
    const response = await send(row);
    const said = await answerOf(response, row);
    PRINTED.push(lineOf(row, response, said));
    expect(`${response.status}${said.error === undefined ? '' : ` ${said.error}`}`).toBe(row.after ?? '200');
    expect(said.differences).toEqual([]);
    await expectRun(row, before);
  });
});

interface Said {
  readonly differences: readonly string[];
  readonly error: string | undefined;
}

async function answerOf(response: Response, { shape }: OldBodyCase): Promise<Said> {
  if (shape === 'text events' || shape === 'grading events') {
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    if (response.body === null) throw new Error('an answer without a body');
    const { text, types, final } = await readAsTheAppDid(response.body);
    const isGrading = shape === 'grading events';
    const said = isGrading ? 'delta' : 'content_block_delta';
    const last = isGrading ? ['final', '[DONE]'] : ['[DONE]'];
    expect(text.length).toBeGreaterThan(20);
    expect(types.slice(-last.length)).toEqual(last);
    expect(new Set(types.slice(0, -last.length))).toEqual(new Set([said]));
    if (isGrading) expect(final).toEqual({ type: 'final', feedback: text });
    return { differences: [], error: undefined };
  }
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  const answer = (await response.json()) as { error?: string };
  return { differences: differences(SHAPES[shape] ?? {}, answer), error: answer.error };
}

async function expectRun(
  { action, asked, unasked, model }: OldBodyCase,
  before: { readonly asked: number; readonly rows: number },
): Promise<void> {
  const rows = (await relay.usageRows()).slice(before.rows);
  expect(rows.map((row) => ({ action: row.action, model: row.model, status: row.status }))).toEqual(
    action === undefined ? [] : [{ action, model: model ?? 'claude-sonnet-5-5', status: 'done' }],
  );
  const requests = relay.simulator.requests.slice(before.asked);
  expect(requests).toHaveLength(action === undefined ? 0 : 1);
  const body = requests[0]?.body as { messages: readonly { content: unknown }[] } | undefined;
  const last = body?.messages.at(-1)?.content;
  const words = JSON.stringify(last ?? '')
    .replaceAll('\\n', '\n')
    .replaceAll('\\"', '"');
  if (asked !== undefined) expect(words).toMatch(asked);
  if (unasked !== undefined) expect(JSON.stringify(body)).not.toMatch(unasked);
}

function lineOf(row: OldBodyCase, { status }: Response, { differences: found, error = '' }: Said): string {
  const { path, what, before, shape, action = '-' } = row;
  const name = path.split('/').at(-1);
  return `| ${name} | ${what} | ${before} | ${status} ${error} | ${action} | ${shape} | ${found.join('; ') || 'equal'} |`;
}
