/** What real clients make of the ways in which a connection can end: docs/clients-and-close-codes.md has the table. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLOSE_CODES } from '../../src/protocol/codes.ts';
import { readProjectFile } from '../architecture/source-files.ts';
import { INSTALL_MS } from '../support/install-once.ts';
import { LONG, report } from '../support/test-run.ts';
import { CLIENTS, MORE_RUNTIMES, type ToldClose } from './close-codes/clients.ts';
import { ENDINGS, startClosingServer } from './close-codes/closing-server.ts';

const DOCUMENT = readProjectFile('docs/clients-and-close-codes.md');
const [heads = [], , ...rows] = DOCUMENT.split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const SENT = [...new Set(Object.values(CLOSE_CODES))].map(String);

/** `1001`, or with what an app is told besides: `1006, error`. */
function cell({ code, error }: ToldClose): string {
  return [code, error === undefined || error === null ? null : 'error']
    .filter((part) => part !== null)
    .join(', ');
}

/** The cells of one client in the document's table. */
function documented(client: string): string[] {
  const column = heads.findIndex((head) => head.split(', ').includes(client));
  return rows.map((row) => row[column] ?? '');
}

let server: Awaited<ReturnType<typeof startClosingServer>>;
beforeAll(async () => {
  server = await startClosingServer();
});
afterAll(() => server.close());

it('the table has a row for each ending', () => {
  expect(rows.map(([ending = '']) => /^`?(\w+)/.exec(ending)?.[1])).toEqual(ENDINGS);
});

describe.each(Object.entries({ ...CLIENTS, ...(LONG ? MORE_RUNTIMES : {}) }))('%s', (name, client) => {
  let all: ToldClose[];
  beforeAll(async () => {
    all = await client(server);
    if (process.env['DASH_PRINT_TABLE'] === '1') report(`${name}: ${all.map(cell).join(' | ')}`);
  }, INSTALL_MS);

  it('is told each code that the relay sends, with its reason', () => {
    const sent = all.filter(({ asked }) => SENT.includes(asked));
    expect(sent.map(cell)).toEqual(SENT);
    expect(new Set(sent.map(({ reason }) => reason))).toEqual(new Set(['why']));
  });

  it('is told of every ending what the table says', () => {
    expect(all.map(cell)).toEqual(documented(name));
  });
});

it('a loop over the messages in Python ends without an exception at 1000 and 1001 alone', async () => {
  const all = (await CLIENTS['Python']?.(server)) ?? [];
  expect(all.filter(({ silent }) => silent === true).map(({ asked }) => asked)).toEqual(['1000', '1001']);
});
