/** The operator's webhook: whether it may be reached, and, where that is asked for, whether it takes a signed event. */
import { lookup } from 'node:dns/promises';
import { networkReason } from '../../command-line/network-reason.ts';
import { reachOf } from '../../compose/webhooks.ts';
import type { Config } from '../../config/environment.ts';
import { isReachable } from '../../outgoing/address-guard.ts';
import { systemClock } from '../../time/clock.ts';
import { type DeliveryOutcome, WebhookEndpoint } from '../../webhooks/endpoint.ts';
import { fix, type Line, note, ok } from '../line.ts';

/** @param sends whether an event is sent for a try */
export async function checkWebhook(
  config: Config,
  sends: boolean,
  signal: AbortSignal,
): Promise<readonly Line[]> {
  const { WEBHOOK_URL: url, WEBHOOK_SECRET: secrets } = config;
  if (url === undefined || secrets === undefined)
    return sends ? [fix('WEBHOOK_URL: is not set, so there is no webhook to try')] : [];
  const reach = reachOf(config);
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  try {
    const addresses = await lookup(host, { all: true });
    if (!addresses.some(({ address }) => isReachable(address, reach))) return [fix(INSIDE)];
  } catch (error) {
    return [
      fix(`WEBHOOK_URL: its host is not found (${networkReason(error)}): see to the address and the DNS`),
    ];
  }
  if (!sends)
    return [note('WEBHOOK_URL: may be reached; --webhook sends it a signed event of type relay.test')];
  const endpoint = new WebhookEndpoint({ url, secrets, reach, clock: systemClock });
  const timestamp = new Date(systemClock.now()).toISOString();
  const body = JSON.stringify({ type: 'relay.test', timestamp, data: {} });
  const { outcome, status } = await endpoint.deliver(`test_${systemClock.now()}`, body, signal);
  return [
    outcome === 'delivered'
      ? ok(`WEBHOOK_URL: took a signed event (${status})`)
      : fix(FAULTS[outcome](status)),
  ];
}

const INSIDE =
  'WEBHOOK_URL: leads to a private, loopback or link-local address, which is refused: take another, or set WEBHOOK_ALLOW_PRIVATE=true for an endpoint in your own network';

const FAULTS: Readonly<Record<Exclude<DeliveryOutcome, 'delivered'>, (status: number | null) => string>> = {
  failed: () =>
    'WEBHOOK_URL: no connection, or one that broke: see to the network, the certificate and the endpoint',
  late: () => 'WEBHOOK_URL: no whole answer within 15 s: answer first, and do the work later',
  stopped: () => 'WEBHOOK_URL: no whole answer in time: answer first, and do the work later',
  redirect: (status) =>
    `WEBHOOK_URL: answers with ${status}, and redirects are not followed: name the address it leads to`,
  status: (status) =>
    `WEBHOOK_URL: answers with ${status}: see to its log; 401 or 400 mostly is another secret than WEBHOOK_SECRET`,
  gone: () => 'WEBHOOK_URL: answers with 410, so nothing would be sent: set it right, or unset it',
  address: () => INSIDE,
};
