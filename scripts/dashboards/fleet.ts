/** All machines of a job: do users get answers, what does the model do, who comes in, what does it stand on. */
import type { DashboardDescription } from './dashboard.ts';
import { areas, lines, type PanelDescription, stat } from './panel.ts';
import { quantile, rate, rateAbove0 } from './queries.ts';

const S = 'job="$job"';

const firing: PanelDescription = {
  kind: 'table',
  title: 'What fires',
  says: 'Alerts now. Each name is in the runbook: symptom, causes, what to run, the fix.',
  unit: 'short',
  queries: [{ expr: `sum by (alertname, severity) (ALERTS{alertstate="firing",${S}})`, legend: '' }],
  entry: 'when-it-happens',
  width: 12,
};

const machines: PanelDescription = {
  kind: 'table',
  title: 'Machines',
  says: 'What runs where, and how many streams each has.',
  unit: 'short',
  queries: [
    {
      expr: `sum by (instance, version, node) (dash_build_info{${S}}) * on (instance) group_left () sum by (instance) (dash_live_streams{${S}})`,
      legend: '',
    },
  ],
  entry: 'a-deploy-went-wrong',
  width: 12,
};

export const fleet: DashboardDescription = {
  name: 'fleet',
  title: 'Dash Relay: the fleet',
  says: 'Whether users get answers, what the model does, who comes in, and what it all stands on.',
  from: 'now-6h',
  rows: [
    {
      title: 'At a glance',
      panels: [
        stat(
          'Answers a second',
          'Ended streams and refused questions.',
          'reqps',
          `job:dash_answers_asked:rate5m{${S}}`,
        ),
        stat(
          'Fail by us',
          'internal, unavailable, interrupted: of all that was asked, five minutes.',
          'percentunit',
          `job:dash_answers_failed:share5m{${S},by="relay"}`,
          { lines: { look: 0.01, act: 0.06 }, entry: 'answers-fail' },
        ),
        stat(
          'Fail by the model',
          'Its API did not answer, or broke off.',
          'percentunit',
          `job:dash_answers_failed:share5m{${S},by="model"}`,
          { lines: { look: 0.01, act: 0.06 }, entry: 'the-model-does-not-answer' },
        ),
        stat(
          'First word, p95',
          'One user in twenty waits longer.',
          's',
          `job:dash_first_token_seconds:p95_5m{${S}}`,
          { lines: { look: 1.5, act: 3 }, entry: 'first-words-are-late' },
        ),
        stat('Live streams', 'On all machines.', 'short', `sum(dash_live_streams{${S}})`),
        stat('Machines up', 'That answer Prometheus.', 'short', `sum(up{${S}})`, {
          lines: { act: 1, lessIsWorse: true },
          entry: 'a-relay-is-gone',
        }),
        firing,
        machines,
      ],
    },
    {
      title: 'Do users get answers?',
      panels: [
        lines(
          'Share of answers that fail',
          'By whom, over an hour. At 14.4 % somebody is paged at once, at 6 % within hours.',
          'percentunit',
          [{ expr: `job:dash_answers_failed:share1h{${S}}`, legend: 'by the {{by}}' }],
          { lines: { look: 0.06, act: 0.144 }, entry: 'answers-fail' },
        ),
        areas(
          'Answers by ending',
          'Ended streams a second.',
          'reqps',
          [
            {
              expr: rateAbove0('dash_streams_ended_total', S, 'status', 'code'),
              legend: '{{status}} {{code}}',
            },
          ],
          { entry: 'answers-fail' },
        ),
        lines(
          'First word',
          'From the arrival of a question to its first text, and whose share that is.',
          's',
          [
            { expr: `job:dash_first_token_seconds:p50_5m{${S}}`, legend: 'p50' },
            { expr: `job:dash_first_token_seconds:p95_5m{${S}}`, legend: 'p95' },
            { expr: quantile(0.95, 'dash_first_token_model_seconds', S), legend: 'p95 of the model' },
            { expr: quantile(0.95, 'dash_first_token_relay_seconds', S), legend: 'p95 of the relay' },
          ],
          { lines: { look: 1.5, act: 3 }, entry: 'first-words-are-late' },
        ),
        areas('Live streams by machine', 'A machine that stands alone carries what others should.', 'short', [
          { expr: `sum by (instance) (dash_live_streams{${S}})`, legend: '{{instance}}' },
        ]),
        lines('Length of answers', 'From the question to the ending.', 's', [
          { expr: quantile(0.5, 'dash_stream_duration_seconds', S), legend: 'p50' },
          { expr: quantile(0.95, 'dash_stream_duration_seconds', S), legend: 'p95' },
        ]),
        lines('Cancel to close at the model', 'The bill stops here.', 's', [
          { expr: quantile(0.95, 'dash_cancel_upstream_closed_seconds', S), legend: 'p95' },
        ]),
      ],
    },
    {
      title: 'The model',
      panels: [
        areas(
          'Responses of its API',
          'By status and error code, each try counts.',
          'reqps',
          [
            {
              expr: rateAbove0('dash_upstream_responses_total', S, 'status', 'error_code'),
              legend: '{{status}} {{error_code}}',
            },
          ],
          { entry: 'the-account-at-the-models-api-does-not-work' },
        ),
        lines(
          'What is left of its limits',
          'By its own headers. At 0 answers end as upstream_rate_limited.',
          'percentunit',
          [
            {
              expr: `min by (limit) (dash_upstream_limit_remaining{${S}} / dash_upstream_limit{${S}})`,
              legend: '{{limit}}',
            },
          ],
          { lines: { look: 0.25, act: 0.1, lessIsWorse: true }, entry: 'the-models-api-limits-us' },
        ),
        lines(
          'Fallbacks',
          "An action's next model was asked, by the error of the first.",
          'reqps',
          [{ expr: rate('dash_fallbacks_total', S, 'reason'), legend: '{{reason}}' }],
          { entry: 'the-model-does-not-answer' },
        ),
        lines(
          'Models in use that are not as they should be',
          'Retired, about to, not listed, other than the models file says.',
          'short',
          [
            { expr: `max(dash_models_retired{${S}})`, legend: 'retired' },
            { expr: `max(dash_models_deprecated{${S}})`, legend: 'will retire' },
            { expr: `max(dash_models_unlisted{${S}})`, legend: 'not listed' },
            { expr: `max(dash_models_differs{${S}})`, legend: 'differs' },
          ],
          { entry: 'a-model-retires' },
        ),
      ],
    },
    {
      title: 'Who comes in',
      panels: [
        areas(
          'Handshakes',
          'By outcome.',
          'reqps',
          [{ expr: rateAbove0('dash_upgrades_total', S, 'outcome'), legend: '{{outcome}}' }],
          { entry: 'all-handshakes-get-401' },
        ),
        areas(
          'Refusals by reason',
          'At all doors.',
          'reqps',
          [{ expr: rateAbove0('dash_refusals_total', S, 'code', 'reason'), legend: '{{code}} {{reason}}' }],
          { entry: 'floods' },
        ),
        areas(
          'Connections closed',
          'By close code: 1006 and 4408 are the network, 4503 slow readers or pressure.',
          'reqps',
          [{ expr: rateAbove0('dash_connections_closed_total', S, 'code'), legend: '{{code}}' }],
          { entry: 'slow-readers' },
        ),
        lines(
          'Resumes',
          'local: on its machine; remote: over Redis; gone: the text is no longer held; refused.',
          'reqps',
          [{ expr: rate('dash_resume_outcomes_total', S, 'outcome'), legend: '{{outcome}}' }],
          { entry: 'redis-is-slow-away-full-or-was-emptied' },
        ),
        areas(
          'Questions beyond a limit',
          'By the limit: users, schools, or the budget of a day.',
          'reqps',
          [{ expr: rateAbove0('dash_quota_refusals_total', S, 'limit'), legend: '{{limit}}' }],
          { entry: 'the-daily-budget-is-spent' },
        ),
        lines(
          'Slow readers',
          'held: the text waits in the log; closed: it took nothing for too long.',
          'reqps',
          [{ expr: rate('dash_slow_readers_total', S, 'outcome'), legend: '{{outcome}}' }],
          { entry: 'slow-readers' },
        ),
      ],
    },
    {
      title: 'What it stands on',
      panels: [
        lines(
          'Up',
          '1 where it is: what is missing here this fleet does without.',
          'short',
          [
            { expr: `min(dash_postgres_up{${S}})`, legend: 'Postgres' },
            { expr: `min(dash_redis_up{${S}})`, legend: 'Redis' },
            { expr: `min(dash_keys_up{${S}})`, legend: 'keys of tokens' },
            { expr: `min(dash_identity_up{${S}})`, legend: 'IDENTITY_VIEW' },
            { expr: `1 - max(dash_upstream_account_fails{${S}})`, legend: 'account at the model' },
          ],
          { entry: 'postgres-is-away' },
        ),
        lines(
          'Age of the keys of tokens',
          'Of the oldest on any machine. At an hour nobody gets in.',
          's',
          [{ expr: `max(dash_keys_age_seconds{${S}})`, legend: 'age' }],
          { lines: { look: 900, act: 2700 }, entry: 'all-handshakes-get-503' },
        ),
        lines(
          'Usage rows',
          'Not yet in Postgres; and the age of the oldest.',
          'short',
          [
            { expr: `sum(dash_usage_rows_waiting{${S}})`, legend: 'waiting' },
            { expr: `max(dash_usage_oldest_waiting_seconds{${S}})`, legend: 'age of the oldest, s' },
            { expr: `sum(dash_usage_rows_quarantined{${S}})`, legend: 'refused' },
          ],
          { entry: 'postgres-is-away' },
        ),
        lines(
          'The table of the app',
          'Runs that are to be copied into it.',
          'short',
          [
            { expr: `max(dash_mirror_rows_waiting{${S}})`, legend: 'waiting' },
            { expr: `max(dash_mirror_rows_refused{${S}})`, legend: 'refused' },
            { expr: `max(dash_mirror_problems{${S}})`, legend: 'ways it does not fit' },
          ],
          { entry: 'the-apps-reports-lack-runs' },
        ),
        lines(
          'Redis failures',
          'How often it became unusable, by reason, within an hour.',
          'short',
          [
            {
              expr: `sum by (reason) (increase(dash_redis_failures_total{${S}}[1h])) > 0`,
              legend: '{{reason}}',
            },
          ],
          { entry: 'redis-is-slow-away-full-or-was-emptied' },
        ),
        lines(
          'Memory of machines',
          'Of what each may have.',
          'percentunit',
          [
            {
              expr: `dash_process_resident_memory_bytes{${S}} / dash_memory_limit_bytes{${S}}`,
              legend: '{{instance}}',
            },
          ],
          { lines: { look: 0.7, act: 0.8 }, entry: 'memory-is-short' },
        ),
      ],
    },
  ],
};
