/** The certificate of a public address: whether clients trust it, and how long it lasts. */
import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { fix, type Line, note, ok } from '../line.ts';

const DAY_MS = 24 * 60 * 60_000;
/** Renewal begins when a third of the life is left, whether that is 90 days or 6. */
const OVERDUE_SHARE = 1 / 4;
const URGENT_SHARE = 1 / 10;

/** None where the address has no TLS, or nobody answers: then another line says so. */
export async function certificateLine(url: string, signal: AbortSignal): Promise<Line[]> {
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'https:') return [];
  const servername = hostname.replace(/^\[|\]$/g, '');
  const socket = connect({
    host: servername,
    port: Number(port || 443),
    ...(isIP(servername) === 0 ? { servername } : {}),
    rejectUnauthorized: false,
  });
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  try {
    await once(socket, 'secureConnect', { signal });
    const { valid_from: from, valid_to: to } = socket.getPeerCertificate();
    if (!socket.authorized)
      return [
        fix(
          `${url}: its certificate is not trusted (${String(socket.authorizationError)}): one for this name, of a known authority, with its whole chain`,
        ),
      ];
    return [lifeLine(url, Date.parse(from), Date.parse(to), Date.now())];
  } catch {
    return [];
  } finally {
    socket.destroy();
  }
}

/** Times are Unix ms. */
export function lifeLine(url: string, from: number, to: number, now: number): Line {
  const left = to - now;
  const days = Math.floor(left / DAY_MS);
  const text = `${url}: its certificate ends in ${days} ${days === 1 ? 'day' : 'days'}, on ${new Date(to).toISOString().slice(0, 10)}`;
  if (left < (to - from) * URGENT_SHARE) return fix(`${text}: renew it now`);
  return left < (to - from) * OVERDUE_SHARE ? note(`${text}: its renewal is overdue`) : ok(text);
}
