/** This machine's clock beside that of whoever signs the tokens, which expire by theirs and are checked by ours. */
import { TOLERANCE_MS } from '../../auth/token-user.ts';
import type { Exchange } from '../exchange.ts';
import { fix, type Line, note, ok } from '../line.ts';

/** Within this nobody notices, ms. */
const UNNOTICED_MS = 2000;
/** HTTP dates are whole seconds, and so is the age of an answer that a cache gives. */
const SECOND_MS = 1000;

export function clockLine(exchange: Exchange): Line {
  const aheadMs = aheadOf(exchange);
  if (aheadMs === undefined) return note('clock: the key set comes without a date, so it cannot be compared');
  const offMs = Math.abs(aheadMs);
  if (offMs <= UNNOTICED_MS) return ok("clock: agrees with the auth server's");
  const off = `clock: ${Math.round(offMs / 1000)} s ${aheadMs > 0 ? 'ahead of' : 'after'} the auth server's`;
  const cure = 'have it set by a time service (chrony, systemd-timesyncd)';
  if (offMs <= TOLERANCE_MS) return note(`${off}: tokens are taken up to ${TOLERANCE_MS / 1000} s; ${cure}`);
  const effect = aheadMs > 0 ? 'tokens count as expired too early' : 'new tokens are refused at first';
  return fix(`${off}: ${effect}; ${cure}`);
}

/** By how much ours is ahead at least, ms; below 0 where it is after. Undefined: they do not say. */
function aheadOf({ response, sentAt, receivedAt }: Exchange): number | undefined {
  const date = Date.parse(response.headers.get('date') ?? '');
  if (Number.isNaN(date)) return undefined;
  const age = Number(response.headers.get('age') ?? 0) * SECOND_MS;
  const earliest = date + age;
  const latest = earliest + (age > 0 ? 2 : 1) * SECOND_MS;
  if (sentAt > latest) return sentAt - latest;
  return Math.min(0, receivedAt - earliest);
}
