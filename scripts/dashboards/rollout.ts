/** The watch of docs/rollout.md: what to look at for 48 hours after each step, with the lines of go on and go back. */
import type { DashboardDescription } from './dashboard.ts';
import { areas, lines, stat } from './panel.ts';
import { quantile } from './queries.ts';

const S = 'job="$job"';
const FAILED = `sum(increase(dash_streams_ended_total{${S},status="error",code!~"upstream_.*"}[15m])) / sum(increase(dash_streams_ended_total{${S}}[15m]))`;
const LOST = `sum(increase(dash_connections_closed_total{${S},code=~"4503|4408"}[15m])) / sum(increase(dash_connections_closed_total{${S}}[15m]))`;
const RESUMES_FAILED = `(sum(increase(dash_refusals_total{${S},of="resume"}[1h])) or vector(0)) / sum(increase(dash_resumes_total{${S}}[1h]))`;
const INTERNAL = `sum(increase(dash_streams_ended_total{${S},code="internal"}[1h])) + sum(increase(dash_failures_total{${S}}[1h]))`;
/** Bytes an hour, of the machine that grows most. */
const GROWTH = `3600 * max(deriv(dash_process_resident_memory_bytes{${S}}[6h]))`;

export const rollout: DashboardDescription = {
  name: 'rollout',
  title: 'Dash Relay: the rollout',
  says: 'What docs/rollout.md has watched for 48 hours after each step. Green: go on; red: go back.',
  from: 'now-48h',
  rows: [
    {
      title: 'Go on, or go back',
      panels: [
        stat(
          'First word, p95',
          'Go on below 1.5 s; back above 3 s for 15 minutes, while the status of the model is good.',
          's',
          `job:dash_first_token_seconds:p95_5m{${S}}`,
          { width: 3, lines: { look: 1.5, act: 3 }, entry: 'first-words-are-late' },
        ),
        stat(
          'Answers that fail',
          'Codes of the model aside. Go on: not above the old function; back above 2 % for 15 minutes.',
          'percentunit',
          FAILED,
          { width: 3, lines: { look: 0.01, act: 0.02 }, entry: 'answers-fail' },
        ),
        stat('Internal errors', 'Within an hour. Go on: none unexplained; back: rising.', 'short', INTERNAL, {
          width: 3,
          lines: { look: 1, act: 10 },
          entry: 'a-deploy-went-wrong',
        }),
        stat(
          'Sockets lost',
          'Closed with 4503 or 4408, of all closed. Go on: a few in a hundred; back: a fifth.',
          'percentunit',
          LOST,
          { width: 3, lines: { look: 0.05, act: 0.2 }, entry: 'slow-readers' },
        ),
        stat(
          'Resumes that fail',
          'Go on near none; back at more than one in a hundred.',
          'percentunit',
          RESUMES_FAILED,
          { width: 3, lines: { look: 0.005, act: 0.01 }, entry: 'redis-is-slow-away-full-or-was-emptied' },
        ),
        stat(
          'Rows waiting',
          'Age of the oldest usage row that is not in Postgres. Go on near 0; back where they part.',
          's',
          `max(dash_usage_oldest_waiting_seconds{${S}})`,
          { width: 3, lines: { look: 300, act: 3600 }, entry: 'postgres-is-away' },
        ),
        stat(
          'Memory grows',
          'Bytes an hour over six hours. Go on: flat after the first hour; back: rising for six.',
          'bytes',
          GROWTH,
          { width: 3, lines: { look: 5_000_000, act: 20_000_000 }, entry: 'memory-is-short' },
        ),
        stat(
          'Redis',
          'Go on at 1; back at 0 for longer than a failover takes.',
          'short',
          `min(dash_redis_up{${S}})`,
          { width: 3, lines: { act: 1, lessIsWorse: true }, entry: 'redis-is-slow-away-full-or-was-emptied' },
        ),
      ],
    },
    {
      title: 'The step',
      panels: [
        lines(
          'Switches',
          'The share of users that is told `websocket`, percent; the relay and streaming are 0 where they are off.',
          'short',
          [
            { expr: `min(dash_switch{${S},name="websocket_percent"})`, legend: 'WebSocket, percent' },
            { expr: `100 * min(dash_switch{${S},name="relay"})`, legend: 'relay on' },
            { expr: `100 * min(dash_switch{${S},name="streaming"})`, legend: 'streaming on' },
          ],
          { entry: 'a-switch-or-a-settings-file' },
        ),
        areas(
          'Streams by transport, as apps report them',
          'Answers a second; apps that report nothing are missing here.',
          'reqps',
          [
            {
              expr: `sum by (transport, status) (rate(dash_client_streams_total{${S}}[$__rate_interval])) > 0`,
              legend: '{{transport}} {{status}}',
            },
          ],
        ),
        stat(
          'Reports of apps',
          'Of an hour: 0 where no app reports.',
          'short',
          `sum(increase(dash_client_reports_total{${S}}[1h]))`,
          {
            width: 12,
          },
        ),
        lines(
          'Versions',
          'Machines of each.',
          'short',
          [{ expr: `count by (version) (dash_build_info{${S}})`, legend: '{{version}}' }],
          { entry: 'a-deploy-went-wrong' },
        ),
        areas('Who comes in', 'Handshakes that are accepted, and streams that end, a second.', 'reqps', [
          {
            expr: `sum(rate(dash_upgrades_total{${S},outcome="accepted"}[$__rate_interval]))`,
            legend: 'handshakes',
          },
          { expr: `sum(rate(dash_streams_ended_total{${S}}[$__rate_interval]))`, legend: 'answers' },
        ]),
      ],
    },
    {
      title: 'The watch',
      panels: [
        lines(
          'First word, p95: the relay beside the apps',
          'Between them lies the network of the users.',
          's',
          [
            { expr: `job:dash_first_token_seconds:p95_5m{${S}}`, legend: 'at the relay' },
            {
              expr: quantile(0.95, 'dash_client_first_token_seconds', S, 'transport'),
              legend: 'in apps, {{transport}}',
            },
          ],
          { lines: { look: 1.5, act: 3 }, entry: 'first-words-are-late' },
        ),
        lines(
          'Answers that fail, over time',
          'Of all, fifteen minutes; codes of the model aside, and theirs beside it.',
          'percentunit',
          [
            { expr: FAILED, legend: 'the relay' },
            { expr: `job:dash_answers_failed:share5m{${S},by="model"}`, legend: 'the model' },
          ],
          { lines: { look: 0.01, act: 0.02 }, entry: 'answers-fail' },
        ),
        lines(
          'Failures that apps report',
          'Streams that failed for their users, by code, within an hour; of `unreachable` the relay itself knows nothing.',
          'short',
          [
            {
              expr: `sum by (code) (increase(dash_client_errors_total{${S}}[1h])) > 0`,
              legend: '{{code}}',
            },
          ],
          { entry: 'answers-fail' },
        ),
        lines(
          'Sockets lost, over time',
          'Closed with 4503 or 4408, of all closed, fifteen minutes.',
          'percentunit',
          [{ expr: LOST, legend: 'lost' }],
          { lines: { look: 0.05, act: 0.2 }, entry: 'slow-readers' },
        ),
        lines(
          'Resumes',
          'Streams that were resumed and that could not be, within an hour.',
          'short',
          [
            { expr: `sum(increase(dash_resumes_total{${S}}[1h]))`, legend: 'resumed' },
            {
              expr: `sum(increase(dash_refusals_total{${S},of="resume"}[1h])) or vector(0)`,
              legend: 'failed',
            },
          ],
          { entry: 'redis-is-slow-away-full-or-was-emptied' },
        ),
        lines(
          'Memory by machine',
          'Flat after the first hour.',
          'bytes',
          [{ expr: `dash_process_resident_memory_bytes{${S}}`, legend: '{{instance}}' }],
          { entry: 'memory-is-short' },
        ),
        lines(
          'Rows not in Postgres',
          'They part where answers end and rows do not arrive.',
          'short',
          [
            { expr: `sum(dash_usage_rows_waiting{${S}})`, legend: 'waiting' },
            {
              expr: `sum(increase(dash_streams_ended_total{${S}}[5m]))`,
              legend: 'streams ended in 5 minutes',
            },
          ],
          { entry: 'postgres-is-away' },
        ),
      ],
    },
  ],
};
