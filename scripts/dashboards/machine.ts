/** One machine: is it ready, what does it carry, does it have time and memory, and what does it refuse. */
import type { DashboardDescription } from './dashboard.ts';
import { areas, lines, stat } from './panel.ts';
import { quantile, rate, rateAbove0 } from './queries.ts';

const M = 'job="$job",instance="$instance"';

export const machine: DashboardDescription = {
  name: 'machine',
  title: 'Dash Relay: a machine',
  says: 'What one machine carries, whether it has time and memory for it, and what it refuses.',
  ofMachine: true,
  from: 'now-3h',
  rows: [
    {
      title: 'At a glance',
      panels: [
        stat('Answers Prometheus', '1 while it is scraped.', 'short', `up{${M}}`, {
          lines: { act: 1, lessIsWorse: true },
          entry: 'a-relay-is-gone',
        }),
        stat(
          'Running for',
          'Since its process started.',
          's',
          `time() - dash_process_start_time_seconds{${M}}`,
          { entry: 'it-starts-again-and-again' },
        ),
        stat('WebSockets', 'Open now.', 'short', `dash_connections{${M}}`),
        stat('Live streams', 'Answers that have not ended.', 'short', `dash_live_streams{${M}}`),
        stat(
          'Memory in use',
          'Of what it may have. From 80 % it refuses new questions.',
          'percentunit',
          `dash_process_resident_memory_bytes{${M}} / dash_memory_limit_bytes{${M}}`,
          { lines: { look: 0.7, act: 0.8 }, entry: 'memory-is-short' },
        ),
        stat(
          'Work waits',
          'For its turn on the one thread, 99th percentile since the last scrape.',
          's',
          `dash_nodejs_eventloop_lag_p99_seconds{${M}}`,
          { lines: { look: 0.1, act: 0.2 }, entry: 'a-machine-has-no-time' },
        ),
      ],
    },
    {
      title: 'What it carries',
      panels: [
        areas(
          'Streams by state',
          'opening: limits are checked and the intent is written; live: the model answers; settling: what it cost is written.',
          'short',
          [{ expr: `sum by (state) (dash_streams{${M}})`, legend: '{{state}}' }],
        ),
        lines(
          'Connections',
          'WebSockets, other HTTP connections, and requests at the model. The last stays near live streams, or requests leak.',
          'short',
          [
            { expr: `dash_connections{${M}}`, legend: 'WebSockets' },
            { expr: `dash_http_connections{${M}}`, legend: 'other HTTP' },
            { expr: `dash_upstream_requests{${M}}`, legend: 'at the model' },
          ],
        ),
        areas(
          'Answers by ending',
          'Ended streams a second.',
          'reqps',
          [
            {
              expr: rateAbove0('dash_streams_ended_total', M, 'status', 'code'),
              legend: '{{status}} {{code}}',
            },
          ],
          { entry: 'answers-fail' },
        ),
        areas(
          'HTTP requests by route',
          'A second, by route and status.',
          'reqps',
          [
            {
              expr: rateAbove0('dash_http_requests_total', M, 'route', 'status'),
              legend: '{{route}} {{status}}',
            },
          ],
          { entry: 'a-machine-is-not-ready' },
        ),
      ],
    },
    {
      title: 'How quick it is',
      panels: [
        lines(
          'First word, p95',
          'From the arrival of a question to its first text, and whose share that is.',
          's',
          [
            { expr: quantile(0.95, 'dash_first_token_seconds', M), legend: 'whole' },
            { expr: quantile(0.95, 'dash_first_token_model_seconds', M), legend: 'model' },
            { expr: quantile(0.95, 'dash_first_token_relay_seconds', M), legend: 'relay' },
          ],
          { lines: { look: 1.5, act: 3 }, entry: 'first-words-are-late' },
        ),
        lines('Time between deltas', 'As they arrive from the model.', 's', [
          { expr: quantile(0.5, 'dash_delta_gap_seconds', M), legend: 'p50' },
          { expr: quantile(0.95, 'dash_delta_gap_seconds', M), legend: 'p95' },
        ]),
        lines(
          'Event loop',
          'How long work waits for its turn.',
          's',
          [
            { expr: `dash_nodejs_eventloop_lag_p50_seconds{${M}}`, legend: 'p50' },
            { expr: `dash_nodejs_eventloop_lag_p99_seconds{${M}}`, legend: 'p99' },
          ],
          { lines: { look: 0.1, act: 0.2 }, entry: 'a-machine-has-no-time' },
        ),
        lines(
          'Refuses all that is new',
          '1 while it does, by what there is too little of. Live answers go on.',
          'short',
          [{ expr: `dash_overloaded{${M}}`, legend: '{{cause}}' }],
          { lines: { act: 1 }, entry: 'a-machine-has-no-time' },
        ),
        lines(
          'CPU',
          'Of one core: the relay has one thread for streams. Above 80 % streams wait for one another.',
          'percentunit',
          [
            { expr: `rate(dash_process_cpu_user_seconds_total{${M}}[$__rate_interval])`, legend: 'user' },
            { expr: `rate(dash_process_cpu_system_seconds_total{${M}}[$__rate_interval])`, legend: 'system' },
          ],
          { lines: { act: 0.8 }, entry: 'a-machine-has-no-time' },
        ),
      ],
    },
    {
      title: 'Memory and files',
      panels: [
        lines(
          'Memory',
          'Resident, against what the machine may have.',
          'bytes',
          [
            { expr: `dash_process_resident_memory_bytes{${M}}`, legend: 'resident' },
            { expr: `dash_memory_limit_bytes{${M}}`, legend: 'limit' },
            { expr: `0.8 * dash_memory_limit_bytes{${M}}`, legend: 'new questions are refused' },
          ],
          { entry: 'memory-is-short' },
        ),
        areas(
          'What it holds',
          'V8 heap, buffers outside it; logs of streams are part of the first.',
          'bytes',
          [
            { expr: `dash_nodejs_heap_size_used_bytes{${M}}`, legend: 'heap' },
            { expr: `dash_nodejs_external_memory_bytes{${M}}`, legend: 'outside the heap' },
          ],
        ),
        lines(
          'Logs of streams',
          'Text of live and of just ended answers, for readers that come back.',
          'bytes',
          [{ expr: `dash_stream_log_bytes{${M}}`, legend: 'held' }],
        ),
        lines(
          'File descriptors',
          'Open, of those it may have: each socket is one.',
          'percentunit',
          [{ expr: `dash_process_open_fds{${M}} / dash_process_max_fds{${M}}`, legend: 'in use' }],
          { lines: { look: 0.7, act: 0.9 }, entry: 'floods' },
        ),
      ],
    },
    {
      title: 'What it refuses, and what it could not do',
      panels: [
        areas(
          'Refusals by reason',
          'Handshakes, frames and requests a second.',
          'reqps',
          [{ expr: rateAbove0('dash_refusals_total', M, 'code', 'reason'), legend: '{{code}} {{reason}}' }],
          { entry: 'more-is-refused-than-answered' },
        ),
        lines(
          'Slow readers',
          'held: the text waits in the log, nobody notices; closed: the reader took nothing for too long.',
          'reqps',
          [{ expr: rate('dash_slow_readers_total', M, 'outcome'), legend: '{{outcome}}' }],
          { entry: 'slow-readers' },
        ),
        areas(
          'Errors no client was told of',
          'By the part; each has a line `failed` in the log.',
          'reqps',
          [{ expr: rateAbove0('dash_failures_total', M, 'what'), legend: '{{what}}' }],
          { entry: 'a-deploy-went-wrong' },
        ),
        lines(
          'Usage rows not yet in Postgres',
          'They wait on the disk.',
          'short',
          [
            { expr: `dash_usage_rows_waiting{${M}}`, legend: 'waiting' },
            { expr: `dash_usage_rows_quarantined{${M}}`, legend: 'refused by Postgres' },
            { expr: `dash_quota_undelivered{${M}}`, legend: 'settlements of quotas' },
          ],
          { entry: 'postgres-is-away' },
        ),
        stat(
          'Disk refuses rows',
          '1 where it takes no usage rows: new questions are refused.',
          'short',
          `dash_ledger_degraded{${M}}`,
          { width: 12, lines: { act: 1 }, entry: 'the-disk-is-full' },
        ),
        stat('Log lines lost', 'Within an hour.', 'short', `increase(dash_log_lines_dropped{${M}}[1h])`, {
          width: 12,
          lines: { act: 1 },
          entry: 'log-lines-are-lost',
        }),
      ],
    },
  ],
};
