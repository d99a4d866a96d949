/** What answers cost, by whom and what for, what the prompt cache saves, and what no bill has. */
import type { DashboardDescription } from './dashboard.ts';
import { areas, lines, stat } from './panel.ts';

const S = 'job="$job"';
const CACHED = `sum(increase(dash_tokens_total{${S},kind="cache_read"}[1d])) / sum(increase(dash_tokens_total{${S},kind=~"input|cache_read|cache_write"}[1d]))`;
const SAVED = `sum(increase(dash_cache_savings_usd_total{${S}}[1d])) - (sum(increase(dash_cache_losses_usd_total{${S}}[1d])) or vector(0))`;

export const money: DashboardDescription = {
  name: 'money',
  title: 'Dash Relay: money',
  says: 'What answers cost by the price list. dash_relay.usage and `dash-relay usage` are the books; this is the watch over them.',
  from: 'now-7d',
  rows: [
    {
      title: 'At a glance',
      panels: [
        stat('Last hour', 'US dollars.', 'currencyUSD', `job:dash_cost_usd:increase1h{${S}}`, {
          entry: 'it-costs-more-than-it-did',
        }),
        stat('Last 24 hours', 'US dollars.', 'currencyUSD', `sum(increase(dash_cost_usd_total{${S}}[1d]))`, {
          entry: 'it-costs-more-than-it-did',
        }),
        stat(
          'An answer',
          'On average, of the last 24 hours.',
          'currencyUSD',
          `sum(increase(dash_cost_usd_total{${S}}[1d])) / sum(increase(dash_streams_ended_total{${S}}[1d]))`,
        ),
        stat(
          'Prompt from the cache',
          'Share of prompt tokens that were read from it, 24 hours.',
          'percentunit',
          CACHED,
          { entry: 'what-is-written-to-the-prompt-cache-is-never-read' },
        ),
        stat(
          'Saved by the cache',
          'US dollars, 24 hours; below 0 it cost more than it saved.',
          'currencyUSD',
          SAVED,
          {
            lines: { act: 0, lessIsWorse: true },
            entry: 'what-is-written-to-the-prompt-cache-is-never-read',
          },
        ),
        stat(
          'Without a price',
          'Answers of 24 hours that no budget and no bill has.',
          'short',
          `sum(increase(dash_unpriced_streams_total{${S}}[1d]))`,
          { lines: { act: 1 }, entry: 'it-costs-more-than-it-did' },
        ),
      ],
    },
    {
      title: 'What for',
      panels: [
        lines(
          'Cost of an hour, beside a week ago',
          'Half as much again as the dearest hour of the week makes a ticket.',
          'currencyUSD',
          [
            { expr: `job:dash_cost_usd:increase1h{${S}}`, legend: 'now' },
            { expr: `job:dash_cost_usd:increase1h{${S}} offset 7d`, legend: 'a week ago' },
          ],
          { entry: 'it-costs-more-than-it-did' },
        ),
        areas(
          'Cost of an hour by action and model',
          'As they were asked for.',
          'currencyUSD',
          [
            {
              expr: `sum by (action, model) (increase(dash_cost_usd_total{${S}}[1h])) > 0`,
              legend: '{{action}} {{model}}',
            },
          ],
          { entry: 'it-costs-more-than-it-did' },
        ),
        areas('Answers of an hour by action and model', 'Ended streams.', 'short', [
          {
            expr: `sum by (action, model) (increase(dash_action_streams_total{${S}}[1h])) > 0`,
            legend: '{{action}} {{model}}',
          },
        ]),
        lines('An answer by action', 'US dollars on average, an hour.', 'currencyUSD', [
          {
            expr: `sum by (action) (increase(dash_cost_usd_total{${S}}[1h])) / sum by (action) (increase(dash_action_streams_total{${S}}[1h])) > 0`,
            legend: '{{action}}',
          },
        ]),
      ],
    },
    {
      title: 'Tokens and the cache',
      panels: [
        areas('Tokens of an hour', 'By kind.', 'short', [
          { expr: `sum by (kind) (increase(dash_tokens_total{${S}}[1h]))`, legend: '{{kind}}' },
        ]),
        lines(
          'Cache: saved and lost',
          'US dollars an hour. Lost: writing cost more than reading from it saved.',
          'currencyUSD',
          [
            { expr: `sum(increase(dash_cache_savings_usd_total{${S}}[1h]))`, legend: 'saved' },
            { expr: `sum(increase(dash_cache_losses_usd_total{${S}}[1h]))`, legend: 'lost' },
          ],
          { entry: 'what-is-written-to-the-prompt-cache-is-never-read' },
        ),
      ],
    },
    {
      title: 'Limits, and what is not exact',
      panels: [
        areas(
          'Questions beyond a limit',
          'Of an hour, by the limit.',
          'short',
          [
            {
              expr: `sum by (limit) (increase(dash_quota_refusals_total{${S}}[1h])) > 0`,
              legend: '{{limit}}',
            },
          ],
          { entry: 'the-daily-budget-is-spent' },
        ),
        areas('Estimated answers', 'Of an hour: stopped before the model said what they took.', 'short', [
          {
            expr: `sum by (action, model) (increase(dash_estimated_streams_total{${S}}[1h])) > 0`,
            legend: '{{action}} {{model}}',
          },
        ]),
        areas(
          'Answers without a price',
          'Of an hour: add the model to PRICES_FILE.',
          'short',
          [
            {
              expr: `sum by (action, model) (increase(dash_unpriced_streams_total{${S}}[1h])) > 0`,
              legend: '{{action}} {{model}}',
            },
          ],
          { entry: 'it-costs-more-than-it-did' },
        ),
        lines(
          'Rows not yet in Postgres',
          'Bills that are made there lack them.',
          'short',
          [
            { expr: `sum(dash_usage_rows_waiting{${S}})`, legend: 'waiting' },
            { expr: `sum(dash_usage_rows_quarantined{${S}})`, legend: 'refused' },
          ],
          { entry: 'postgres-refuses-rows' },
        ),
      ],
    },
  ],
};
