/** What each place of an app becomes when the relay takes the place of the old functions. */
import { actionNamed, type NotServed } from '../legacy/names.ts';
import type { CalledFunction, Caller, TableUse } from './find-callers.ts';

/**
 * - `url`: the relay serves the same contract; its address takes the place of the project's
 * - `sdk`: the same, and the answer is read while it comes: the SDK does that, and goes on after a lost network
 * - `pass`: only the old function does it; one address for both with LEGACY_FUNCTIONS_URL
 * - `check`: what it asks for is known only when it runs, or is no action of the relay
 * - `stays`: nothing changes
 * - `remove`: the relay does it, and done twice it is wrong
 * - `mirror`: it reads rows that the relay's mirror has to write
 * - `key`: a key of the model's is where users can read it, or calls go past every limit
 */
export type Verdict = 'url' | 'sdk' | 'pass' | 'check' | 'stays' | 'remove' | 'mirror' | 'key';

export interface Advice {
  readonly verdict: Verdict;
  /** One sentence. */
  readonly says: string;
}

const OLD = /^ai-(?:gateway|proxy)(?:-ws)?$/;
const CANNOT: Readonly<Record<NotServed, string>> = {
  client_tools: 'tools of its own',
  embeddings: 'embeddings',
  image_generation: 'images to be made',
  ocr: 'text to be read from images',
  text_to_speech: 'text to be spoken',
  transcription: 'speech to be written',
  web_search: 'the web to be searched',
};

/** @param isAction whether the relay has an action of that name */
export function adviceOn({ what, name }: Caller, isAction: (name: string) => boolean): Advice {
  if (what.kind === 'model')
    return {
      verdict: 'key',
      says: 'asks the model past the relay: its key, its limits and its bill are elsewhere',
    };
  if (what.kind === 'table') return adviceOnTable(what);
  if (!OLD.test(name)) return { verdict: 'stays', says: 'another function of the app: leave it as it is' };
  return adviceOnFunction(what, isAction);
}

function adviceOnTable({ does }: TableUse): Advice {
  if (does === 'writes')
    return {
      verdict: 'remove',
      says: 'the relay writes a row for each run: written here as well it counts twice',
    };
  if (does === 'counts')
    return {
      verdict: 'remove',
      says: "counts in the app: let the mirror's `counters` call this function instead",
    };
  return { verdict: 'mirror', says: 'reads rows of runs: have the mirror write them (MIRROR_FILE)' };
}

function adviceOnFunction(what: CalledFunction, isAction: (name: string) => boolean): Advice {
  const { by, action, streams, tools } = what;
  if (tools) return passOn('client_tools');
  if (action === null) return adviceOnUnknown(by, streams);
  const named = actionNamed(action, isAction);
  if (action === 'health') return { verdict: 'url', says: 'served, and without a token' };
  if (named.notServed !== undefined) return passOn(named.notServed);
  if (!isAction(named.action))
    return {
      verdict: 'check',
      says: 'no action of the relay: add it to the actions file, or have it passed on',
    };
  const is = named.action === action ? 'served' : `served as ${named.action}`;
  return streams
    ? { verdict: 'sdk', says: `${is}; use the SDK, whose streams survive a lost network` }
    : { verdict: 'url', says: `${is}: the relay's address takes the place of the project's` };
}

function adviceOnUnknown(by: CalledFunction['by'], streams: boolean): Advice {
  if (by === 'its name') return { verdict: 'check', says: 'only the name: follow it to where it is called' };
  const says = 'the action is known only when it runs: see which ones come here';
  return streams ? { verdict: 'sdk', says: `${says}, and use the SDK` } : { verdict: 'check', says };
}

function passOn(what: NotServed): Advice {
  return {
    verdict: 'pass',
    says: `wants ${CANNOT[what]}: the old function does it, by LEGACY_FUNCTIONS_URL`,
  };
}
