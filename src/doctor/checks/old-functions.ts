/** The app's old functions, to which is passed on what is not served here. Asked as a browser asks before it sends. */

import { networkReason } from '../../command-line/network-reason.ts';
import type { Config } from '../../config/environment.ts';
import { exchange } from '../exchange.ts';
import { fix, type Line, note, ok } from '../line.ts';

const NAMES = ['ai-gateway', 'ai-proxy'];

export async function checkOldFunctions(
  { LEGACY_FUNCTIONS_URL: base }: Config,
  signal: AbortSignal,
): Promise<readonly Line[]> {
  if (base === undefined) return [];
  const statuses = new Map<string, number>();
  try {
    for (const name of NAMES)
      statuses.set(name, (await exchange(`${base}/${name}`, { method: 'OPTIONS', signal })).response.status);
  } catch (error) {
    return [
      fix(
        `LEGACY_FUNCTIONS_URL: nobody answers (${networkReason(error)}): see to the address, the network and the certificates`,
      ),
    ];
  }
  const absent = NAMES.filter((name) => statuses.get(name) === 404);
  if (absent.length === NAMES.length)
    return [
      fix(`LEGACY_FUNCTIONS_URL: has neither ${NAMES.join(' nor ')} (404): see to the address, or unset it`),
    ];
  return NAMES.map((name) => lineOf(name, statuses.get(name) ?? 0));
}

function lineOf(name: string, status: number): Line {
  if (status === 404)
    return note(`LEGACY_FUNCTIONS_URL: has no ${name} (404): what is passed on to it gets that answer`);
  return status < 500
    ? ok(`LEGACY_FUNCTIONS_URL: ${name} answers`)
    : fix(`LEGACY_FUNCTIONS_URL: ${name} answers with ${status}: see to its log, or unset the key`);
}
