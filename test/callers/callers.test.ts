/** What `dash-relay callers` finds in the source of an app, and what it says of each place. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { adviceOn } from '../../src/callers/advice.ts';
import { findCallers } from '../../src/callers/find-callers.ts';
import { relayProgram } from '../support/relay-program.ts';

const CLI = await relayProgram('cli');
const ACTIONS = ['chat', 'general_assistance', 'homework_help', 'lesson_generation', 'grading_assistance'];
const placesIn = (text: string) =>
  findCallers(text).map((caller) => ({
    ...caller,
    ...adviceOn(caller, (name) => ACTIONS.includes(name)),
  }));
const invoke = (name: string, body: string) =>
  `await supabase.functions.invoke('${name}', { body: ${body} });`;

describe('one place', () => {
  it.each<[what: string, text: string, verdict?: string, says?: RegExp]>([
    ['an action', invoke('ai-gateway', "{ action: 'lesson_generation', topic }"), 'url', /^served: /],
    [
      'an old name',
      invoke('ai-proxy', "{ service_type: 'chat_message' }"),
      'url',
      /^served as chat: .*address/,
    ],
    ['a generic', "functions.invoke<Answer>('ai-gateway', { body: { action: 'chat' } })", 'url', /^served/],
    [
      'a body made before',
      "const body = { action: 'chat' };\ninvoke('ai-gateway', { body })",
      'url',
      /^served/,
    ],
    ['a stream', invoke('ai-gateway', "{ action: 'chat', stream: true }"), 'sdk', /SDK/],
    [
      'a socket',
      "new WebSocket(base + '/functions/v1/ai-proxy-ws?token=' + t);\nsend({ service_type: 'homework_help' })",
      'sdk',
      /^served; use the SDK/,
    ],
    [
      'a fetch',
      "fetch(process.env['URL'] + `/functions/v1/ai-gateway`, { body: { action: 'grading' } })",
      'url',
      /^served as grading_assistance/,
    ],
    ['health', invoke('ai-gateway', "{ action: 'health' }"), 'url', /without a token/],
    [
      'embeddings',
      invoke('ai-proxy', "{ service_type: 'embeddings' }"),
      'pass',
      /embeddings.*LEGACY_FUNCTIONS_URL/,
    ],
    ['tools', invoke('ai-gateway', "{ action: 'chat', client_tools: MINE }"), 'pass', /tools of its own/],
    [
      'tools made before',
      invoke('ai-gateway', "{ action: 'chat', messages, tools }"),
      'pass',
      /tools of its/,
    ],
    ['no tools', invoke('ai-gateway', "{ action: 'chat', tools: [] }"), 'url', /^served/],
    ['an unknown action', invoke('ai-gateway', "{ action: 'horoscope' }"), 'check', /no action of the relay/],
    ['a shorthand', invoke('ai-gateway', '{ action, prompt }'), 'check', /only when it runs/],
    ['a variable', invoke('ai-gateway', '{ action: params.action }'), 'check', /only when it runs/],
    [
      'a variable that streams',
      invoke('ai-gateway', '{ ...params, stream: true, action }'),
      'sdk',
      /only when it runs.*use the SDK/,
    ],
    [
      'an address of the environment',
      'new WebSocket(process.env.EXPO_PUBLIC_AI_PROXY_WS_URL + "?token=" + token);\nsend({ service_type: "chat_message" })',
      'sdk',
      /^served as chat/,
    ],
    ['words about it', "track('ai-gateway failed');"],
    ['its name alone', "export const FUNCTION = 'ai-gateway';", 'check', /follow it/],
    ['another function', invoke('send-mail', "{ action: 'chat' }"), 'stays', /leave it/],
    ['the model itself', "fetch('https://api.anthropic.com/v1/messages')", 'key', /past the relay/],
    ['its SDK', "import Anthropic from '@anthropic-ai/sdk';", 'key', /past the relay/],
    ['rows read', "supabase.from('ai_usage_logs').select('*')", 'mirror', /MIRROR_FILE/],
    ['rows written', "supabase.from('ai_usage_logs')\n  .insert(row)", 'remove', /twice/],
    ['a counter', "supabase.rpc('increment_ai_usage', { p: 1 })", 'remove', /counters/],
    ['a comment', "// functions.invoke('ai-gateway')\n/* 'ai-proxy' */ const url = 'https://x.org'; "],
  ])('%s', (_, text, verdict, says) => {
    const places = placesIn(text);
    expect(places.map((place) => place.verdict)).toEqual(verdict === undefined ? [] : [verdict]);
    if (says !== undefined) expect(places[0]?.says).toMatch(says);
  });

  it('has nothing of the functions around it', () => {
    const text = `export async function one() {
  return ${invoke('ai-gateway', "{ action: 'chat', stream: true }")}
}
export async function two(action: string) {
  return ${invoke('ai-gateway', '{ action }')}
}
export const three = () => ${invoke('ai-gateway', "{ action: 'homework' }")}
`;
    expect(placesIn(text)).toMatchObject([
      { line: 2, what: { action: 'chat', streams: true } },
      { line: 5, what: { action: null, streams: false } },
      { line: 7, what: { action: 'homework', streams: false } },
    ]);
  });

  it('comes to an end with a text that is all beginnings', () => {
    const places = placesIn(`${'/* '.repeat(100_000)}${"'ai-gateway' .invoke< ".repeat(5_000)}`);
    expect(places).toHaveLength(5_000);
  });
});

function appWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'app-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'callers', ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('the command', () => {
  it('reads what the authors wrote, and sums up what there is to do', () => {
    const call = invoke('ai-gateway', "{ action: 'chat' }");
    const folder = appWith({
      'src/a.ts': `\n${call}`,
      'lib/b.dart': invoke('ai-proxy', "{ service_type: 'tts' }"),
      'node_modules/x/index.js': call,
      'supabase/functions/ai-gateway/index.ts': "fetch('https://api.anthropic.com')",
      '.expo/c.js': call,
      '.env.production': 'EXPO_PUBLIC_AI_URL=https://x.supabase.co/functions/v1/ai-gateway\nA=b\n',
      'README.md': call,
    });
    const { status, stdout } = run(folder);
    expect(status).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'check  .env.production:1  ai-gateway, by its name',
      '       only the name: follow it to where it is called',
      'pass   lib/b.dart:1  ai-proxy, by invoke, tts',
      '       wants text to be spoken: the old function does it, by LEGACY_FUNCTIONS_URL',
      'url    src/a.ts:2  ai-gateway, by invoke, chat',
      "       served: the relay's address takes the place of the project's",
      '',
      "   1 url    change the address to the relay's",
      '   1 pass   set LEGACY_FUNCTIONS_URL until something else does it',
      '   1 check  check it yourself',
      '',
    ]);
    const [, first] = run(folder, '--json').stdout.split('\n');
    expect(JSON.parse(first ?? '')).toMatchObject({ file: 'lib/b.dart', line: 1, verdict: 'pass' });
  });

  it("knows the operator's own actions", () => {
    const action = { system: '', defaultMaxTokens: 1, maxTokens: 1 };
    const folder = appWith({
      'a.ts': invoke('ai-gateway', "{ action: 'horoscope' }"),
      'actions.json': JSON.stringify({ horoscope: action }),
    });
    expect(run(folder, '--actions', join(folder, 'actions.json')).stdout).toMatch(/^url {4}a\.ts:1/);
  });

  it('says where there is nothing, and what is wrong with its words', () => {
    const folder = appWith({ 'a.ts': '' });
    expect(run(folder)).toMatchObject({ status: 0, stdout: 'Nothing here calls the old functions.\n' });
    expect(run()).toMatchObject({ status: 2, stderr: expect.stringMatching(/^Which folder\?/) });
    expect(run(folder, '--nope').status).toBe(2);
    expect(run(join(folder, 'absent'))).toMatchObject({ status: 1, stderr: expect.stringMatching(/ENOENT/) });
    expect(run('--help')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^Usage: dash-relay callers/),
    });
  });
});

it.each(["'image/*'", "'*/*'", '"./src/**/*.ts"', "'/*'", '`/*`'])(
  'finds what stands after %s, which begins no comment',
  (pattern) => {
    const text = `pick({ type: ${pattern} });\n${invoke('ai-gateway', "{ action: 'chat' }")}\n/** Of the app. */\n`;
    expect(placesIn(text)).toMatchObject([{ line: 2, verdict: 'url' }]);
  },
);
