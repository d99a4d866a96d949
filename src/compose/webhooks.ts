/** What the operator's webhook is told of runs, and its way there: from this process's ledger, and from those of processes that are no more. */
import type { Config } from '../config/environment.ts';
import type { ComposeEvents, WebhookEvents } from '../ledger/webhook-events.ts';
import type { Reach } from '../outgoing/address-guard.ts';
import { systemClock } from '../time/clock.ts';
import type { RunEvents } from '../webhooks/port.ts';
import type { WebhookSender } from '../webhooks/webhook-sender.ts';
import type { Accounts } from './accounts.ts';
import type { Telemetry } from './metrics.ts';

export interface Webhooks {
  readonly eventsOf: ComposeEvents;
  senderOf(events: WebhookEvents): WebhookSender;
}

/** Undefined without WEBHOOK_URL: nothing of it is loaded. */
export async function composeWebhooks(
  config: Config,
  { logger, metrics }: Telemetry,
): Promise<Webhooks | undefined> {
  const { WEBHOOK_URL: url, WEBHOOK_SECRET: secrets } = config;
  if (url === undefined || secrets === undefined) return undefined;
  const [{ WebhookEndpoint }, { WebhookSender }, { eventsOfRun }] = await Promise.all([
    import('../webhooks/endpoint.ts'),
    import('../webhooks/webhook-sender.ts'),
    import('../webhooks/stream-events.ts'),
  ]);
  const endpoint = new WebhookEndpoint({ url, secrets, reach: reachOf(config), clock: systemClock });
  return {
    eventsOf: eventsOfRun,
    senderOf: (events) =>
      new WebhookSender({
        events,
        deliver: (id, body, signal) => endpoint.deliver(id, body, signal),
        clock: systemClock,
        random: Math.random,
        onAttempt: ({ outcome, ms }) => {
          metrics.webhookDeliveries.inc({ outcome });
          metrics.webhookDuration.observe(ms / 1000);
        },
        onAway: (event) => logger.error(event, 'the webhook does not take events: kept, tried again'),
        onBack: (event) => logger.info(event, 'the webhook takes events again'),
        onDead: (event) =>
          logger.error(event, 'an event for the webhook is given up: kept, to be sent again'),
        onGone: () => logger.error('the webhook wants no more events (410): kept until the next start'),
      }),
  };
}

/** Where requests may lead. */
export function reachOf({ WEBHOOK_ALLOW_PRIVATE, exposed }: Config): Reach {
  if (WEBHOOK_ALLOW_PRIVATE) return 'anywhere';
  return exposed ? 'public' : 'loopback';
}

/** What runs tell of themselves; undefined where nobody is told. */
export function runEvents(config: Config, accounts: Accounts): RunEvents | undefined {
  if (config.WEBHOOK_URL === undefined) return undefined;
  return {
    includeText: config.WEBHOOK_INCLUDE_TEXT,
    endingRead: (epoch) => endingRead(accounts, epoch),
    async forgetText(userId, streamId) {
      await Promise.all(eventsOfAll(accounts).map((events) => events.forgetText(userId, streamId)));
    },
  };
}

/** It may be of a process that is no more. */
export function endingRead(accounts: Accounts, epoch: string): void {
  for (const events of eventsOfAll(accounts)) events.read(epoch);
}

function eventsOfAll({ ledger, orphans }: Accounts): readonly WebhookEvents[] {
  return [ledger.webhookEvents, ...orphans.webhookEvents];
}
