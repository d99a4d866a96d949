/** The words of `dash-relay load`: what it takes, and what they mean. */
import { readFileSync } from 'node:fs';
import type { Transport } from '../client/dash-stream.ts';
import { CommandLineError, messageOf, type Words } from '../command-line/subcommand.ts';
import { picoOfUsd } from '../pricing/cost.ts';
import type { LoadShape } from './load-test.ts';
import type { Limits } from './thresholds.ts';

const TRANSPORTS: readonly Transport[] = ['websocket', 'sse', 'json'];
const DEFAULT_URL = 'http://127.0.0.1:8787';
const DEFAULT_MESSAGE = 'Explain in a few sentences why the sky is blue.';
const MOST_STREAMS = 100_000;
const MOST_MINUTES = 24 * 60;
const MOST_SECONDS = 3600;

export const HELP = `Usage: dash-relay load [options]

Puts load on a relay as many apps would, by the SDK: questions, answers, lost networks. It says each second how it goes
(on stderr), and at the end all of it (on stdout). Where a real model answers, it costs money.

  --url <url>                   of the relay: wss://… or https://… (default DASH_RELAY_URL, or ${DEFAULT_URL})
  --token <token>               whose questions these are (default DASH_TOKEN)
  --tokens <file>               of many users, one a line; limits are per user. Without a token, a relay in development
                                gives one for each socket
  --streams <n>                 questions under way at once (default 50)
  --per-socket <n>              of them on one connection (default 10)
  --minutes <n>                 how long it asks (default 1); what is under way then may finish for 30 s
  --ramp <seconds>              within which all have begun (default 10); 0: all in one instant
  --think <seconds>             between an answer and the next question (default 0)
  --action <name>               what is asked for (default chat)
  --message <text>              what is asked; several are asked in turn
  --messages <file>             the same, one a line
  --model <name>                a model that the relay allows
  --max-tokens <n>              of an answer
  --transport <name>            ${TRANSPORTS.join(', ')} (default websocket)
  --drop <percent>              of the questions lose their connection in the middle of the answer
  --yes                         where a real model answers: it may cost what it costs
  --max-cost-usd <dollars>      the same, up to so much
  --max-first-token-p95 <ms>    thresholds: what the exit code says
  --max-errors <percent>        of the questions
  --min-deltas <n>              a second, in half of the seconds
  --json                        the end as JSON
  --help                        this text

Exit code 0: all thresholds hold, and every answer was whole. 1: not so, or nothing was answered. 2: wrong words, or it
did not begin. 3: this computer was too slow for it, and the figures say nothing. 130: Ctrl-C.
`;

export const OPTIONS = {
  url: { type: 'string' },
  token: { type: 'string' },
  tokens: { type: 'string' },
  streams: { type: 'string', default: '50' },
  'per-socket': { type: 'string', default: '10' },
  minutes: { type: 'string', default: '1' },
  ramp: { type: 'string', default: '10' },
  think: { type: 'string', default: '0' },
  action: { type: 'string', default: 'chat' },
  message: { type: 'string', multiple: true },
  messages: { type: 'string' },
  model: { type: 'string' },
  'max-tokens': { type: 'string' },
  transport: { type: 'string', default: 'websocket' },
  drop: { type: 'string', default: '0' },
  yes: { type: 'boolean', default: false },
  'max-cost-usd': { type: 'string' },
  'max-first-token-p95': { type: 'string' },
  'max-errors': { type: 'string' },
  'min-deltas': { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export interface LoadOptions {
  readonly shape: LoadShape;
  /** None: the relay's development issuer is asked. */
  readonly tokens: readonly string[];
  readonly limits: Limits;
  /** All that it may cost, pico-dollars; null: no limit was named. */
  readonly maxCostPico: bigint | null;
  /** It may cost what it costs. */
  readonly yes: boolean;
  readonly json: boolean;
}

type Values = Words<typeof OPTIONS>['values'];

/** @throws CommandLineError naming the option and what it takes */
export function loadOptionsOf(values: Values, environment: NodeJS.ProcessEnv): LoadOptions {
  const { DASH_RELAY_URL, DASH_TOKEN } = environment;
  return {
    shape: shapeOf(values, values.url ?? (DASH_RELAY_URL || DEFAULT_URL)),
    tokens: tokensOf(values, DASH_TOKEN || undefined),
    limits: {
      maxFirstTokenP95Ms: optional(values['max-first-token-p95'], (text) =>
        numberOf('--max-first-token-p95', text, 1, 1_000_000),
      ),
      maxErrorShare: optional(values['max-errors'], (text) => shareOf('--max-errors', text)),
      minDeltasPerSecond: optional(values['min-deltas'], (text) =>
        numberOf('--min-deltas', text, 0, 1_000_000_000),
      ),
    },
    maxCostPico: optional(values['max-cost-usd'], usdOf),
    yes: values.yes,
    json: values.json,
  };
}

function shapeOf(values: Values, url: string): LoadShape {
  const { action, model } = values;
  const streams = integerOf('--streams', values.streams, 1, MOST_STREAMS);
  const transport = transportOf(values.transport);
  const dropShare = shareOf('--drop', values.drop);
  if (dropShare > 0 && transport === 'json')
    throw new CommandLineError('--drop: a JSON answer has no middle; take --transport websocket or sse');
  const maxTokens = optional(values['max-tokens'], (text) => integerOf('--max-tokens', text, 1, 1_000_000));
  return {
    url: urlOf(url),
    transport,
    streams,
    perSocket: Math.min(streams, integerOf('--per-socket', values['per-socket'], 1, MOST_STREAMS)),
    durationMs: 60_000 * numberOf('--minutes', values.minutes, 0.01, MOST_MINUTES),
    rampMs: 1000 * numberOf('--ramp', values.ramp, 0, MOST_SECONDS),
    thinkMs: 1000 * numberOf('--think', values.think, 0, MOST_SECONDS),
    dropShare,
    messages: messagesOf(values),
    request: { action, model, maxTokens: maxTokens ?? undefined },
  };
}

/** As the SDK takes it: `https:`, without a path to the socket. */
function urlOf(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^(wss?|https?):$/.test(url.protocol))
    throw new CommandLineError(`--url is not an address such as wss://relay.example.com: ${text}`);
  if (url.username !== '' || url.search !== '' || url.hash !== '')
    throw new CommandLineError(
      '--url: a user, a query or a fragment is nothing the relay takes; leave it out',
    );
  const path = url.pathname.replace(/\/+$/, '').replace(/\/v1\/ws$/, '');
  return `${url.protocol.replace('ws', 'http')}//${url.host}${path}`;
}

function tokensOf({ token, tokens: file }: Values, ofEnvironment: string | undefined): readonly string[] {
  if (token !== undefined && file !== undefined)
    throw new CommandLineError('--token and --tokens: take one of them');
  if (token === '') throw new CommandLineError('--token is empty');
  if (file !== undefined) return linesOf('--tokens', file);
  return [token ?? ofEnvironment ?? []].flat();
}

function messagesOf({ message, messages: file }: Values): readonly string[] {
  if (message?.some((text) => text.trim() === '')) throw new CommandLineError('--message is empty');
  const all = [...(message ?? []), ...(file === undefined ? [] : linesOf('--messages', file))];
  return all.length === 0 ? [DEFAULT_MESSAGE] : all;
}

function linesOf(option: string, file: string): string[] {
  const lines = textOf(option, file)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.length === 0) throw new CommandLineError(`${option}: there is no line in ${file}`);
  return lines;
}

function textOf(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandLineError(`${option}: ${file} cannot be read: ${messageOf(error)}`);
  }
}

function transportOf(name: string): Transport {
  const transport = TRANSPORTS.find((each) => each === name);
  if (transport !== undefined) return transport;
  throw new CommandLineError(`--transport takes ${TRANSPORTS.join(', ')}: ${name}`);
}

function optional<Value>(text: string | undefined, read: (text: string) => Value): Value | null {
  return text === undefined ? null : read(text);
}

function integerOf(option: string, text: string, least: number, most: number): number {
  if (/^\d+$/.test(text)) return numberOf(option, text, least, most);
  throw new CommandLineError(`${option} is a whole number from ${least} to ${most}: ${text}`);
}

function numberOf(option: string, text: string, least: number, most: number): number {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new CommandLineError(`${option} is a number from ${least} to ${most}: ${text}`);
}

/** 0 to 1. */
function shareOf(option: string, text: string): number {
  const number = /^\d+(\.\d+)?%?$/.test(text) ? Number(text.replace('%', '')) : Number.NaN;
  if (number <= 100) return number / 100;
  throw new CommandLineError(`${option} is a share from 0% to 100%: ${text}`);
}

function usdOf(text: string): bigint {
  if (/^\d{1,6}(\.\d{1,6})?$/.test(text) && Number(text) > 0) return picoOfUsd(text);
  throw new CommandLineError(`--max-cost-usd is a number of dollars such as 5 or 0.50: ${text}`);
}
