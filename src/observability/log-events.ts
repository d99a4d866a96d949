/**
 * Every line that the relay writes to its log: by its message, with a short name (the line's `event`), its levels, the
 * fields it may have, what it means and what to do. The runbook's catalogue is written from here, and no other message can
 * be logged.
 */

export type Level = 'debug' | 'info' | 'warn' | 'error';

export interface LogEvent {
  /** `event` of the line: it stays where the words of a message change. */
  readonly name: string;
  readonly levels: readonly Level[];
  /** What it may have beside the fields of all lines. */
  readonly fields: readonly string[];
  readonly means: string;
  /** What an operator does; null: nothing. */
  readonly action: string | null;
}

/** Of every line. `suppressed` counts lines of its kind that were left out within ten seconds. */
export const COMMON_FIELDS = ['level', 'time', 'version', 'instanceId', 'worker', 'event', 'msg'] as const;

const CALLER = ['door', 'requestId', 'connectionId'] as const;
const RUN = ['streamId', 'epoch', 'userId', 'action', 'model'] as const;
/** Of debug lines of a run. */
const WAY = ['streamId', 'epoch', 'userId', ...CALLER] as const;
const PAYER = ['organizationId', 'tier'] as const;

const SWITCHES = ['RELAY_ENABLED', 'STREAMING_ENABLED', 'WEBSOCKET_ROLLOUT_PERCENT', 'from'] as const;

export const LOG_EVENTS = {
  configuration: {
    name: 'configuration',
    levels: ['info'],
    fields: ['node', 'mode', 'exposed', 'tokensOf', 'simulated', 'settings'],
    means:
      'The keys that are set, with the values that hold; the others have their defaults. Of secrets only that they are `set`, of URLs where they lead. `tokensOf`: who signs the tokens of users',
    action: 'What is not as you meant it: the environment of the process, or its quotes',
  },
  'spans are exported': {
    name: 'spans_exported',
    levels: ['info'],
    fields: ['url', 'protocol', 'ratio', 'parentBased', 'fromClients', 'toModel'],
    means: 'OTEL_ keys ask for traces: where spans go, and of how many streams (docs/traces.md)',
    action: null,
  },
  'spans do not reach their collector: these are lost': {
    name: 'spans_lost',
    levels: ['warn'],
    fields: ['cause', 'suppressed'],
    means: 'A batch of spans was not taken. Streams are not touched',
    action:
      '`cause` has the HTTP status or the error of the connection: OTEL_EXPORTER_OTLP_ENDPOINT and its headers',
  },
  listening: {
    name: 'listening',
    levels: ['info'],
    fields: ['address', 'family', 'port', 'simulated', 'interrupted'],
    means: 'It is up. `interrupted`: runs of a process that was killed, closed with what was last saved',
    action: null,
  },
  draining: {
    name: 'draining',
    levels: ['info'],
    fields: ['signal', 'liveStreams'],
    means: 'It was told to stop, and waits up to DRAIN_MS for live answers',
    action: null,
  },
  stopped: { name: 'stopped', levels: ['info'], fields: [], means: 'All is written out', action: null },
  'a worker ended by itself: another one is started': {
    name: 'worker_ended',
    levels: ['error'],
    fields: ['pid', 'code', 'signal', 'upMs', 'retryInMs', 'cause'],
    means:
      'One process of WORKERS crashed or was killed (`signal`), `upMs` after it began to serve. Its clients read on at the others, its live answers end as `interrupted`, and the next process settles their rows',
    action:
      '`SIGKILL` without a cause: memory (`dmesg`); otherwise the line `failed` of that worker before it. `cause`: no process could be begun. `code` 78: a file of settings was changed and cannot be used. `retryInMs` doubles while it goes on',
  },
  'a worker does not answer: it is killed': {
    name: 'worker_silent',
    levels: ['error'],
    fields: ['pid', 'silentMs'],
    means:
      'One process of WORKERS has not answered its parent for `silentMs`, while connections were dealt to it. `worker_ended` follows',
    action:
      'Somebody stopped it (SIGSTOP, a debugger), or its event loop hangs: `dash_nodejs_eventloop_lag_max_seconds` before it',
  },
  'a ledger without a process is taken over': {
    name: 'ledger_adopted',
    levels: ['warn'],
    fields: ['directory', 'interrupted', 'waiting'],
    means:
      'WORKERS was another number when `directory` of DATA_DIR was written. `interrupted` runs of it are settled, `waiting` rows go to Postgres',
    action: null,
  },
  'a ledger without a process has nothing left to send': {
    name: 'ledger_sent',
    levels: ['info'],
    fields: ['directory'],
    means:
      'Its rows are in Postgres, or stay where they are without one. `dash-relay usage` reads it as before',
    action: null,
  },
  'an answer is not kept: its text could not be written': {
    name: 'answer_not_kept',
    levels: ['error'],
    fields: ['epoch', 'cause', 'suppressed'],
    means:
      'KEEP_ANSWERS_HOURS: the answer itself is not touched, but it cannot be read back later. `trimmed`: its log lost text before a second was over, since all logs are at STREAM_LOG_TOTAL_BYTES',
    action: 'Raise STREAM_LOG_TOTAL_BYTES, or see to the disk where `cause` is an error of SQLite',
  },
  'a kept answer cannot be opened: its ANSWERS_KEY is not set, or it is damaged': {
    name: 'answer_sealed',
    levels: ['error'],
    fields: ['epoch', 'suppressed'],
    means:
      'It was sealed by a key that is not among those of ANSWERS_KEY, or its bytes were changed. Who asks for it is told that there is none',
    action:
      'Set the old key behind the new one until all that it sealed is over (KEEP_ANSWERS_HOURS); nothing, where you threw it away on purpose',
  },
  'kept answers cannot be reached: who asks for one is told to try again': {
    name: 'answers_unreached',
    levels: ['error'],
    fields: ['what', 'cause', 'suppressed'],
    means:
      'To find, list or forget one (`what`), the disk or Postgres did not answer in time, or failed. New answers are not touched',
    action: 'As for answers that do not reach Postgres; `cause` has the error',
  },
  'answers do not reach Postgres: kept here, tried again': {
    name: 'answers_not_shipped',
    levels: ['error'],
    fields: ['waiting', 'cause'],
    means:
      'Postgres is away, or has no place for kept answers. `waiting` that ended stay in DATA_DIR. They are read back from there on this machine alone. Told once',
    action:
      'As for usage rows that do not reach Postgres; where the functions are not there: `dash-relay migrate`',
  },
  'answers reach Postgres again': {
    name: 'answers_shipped_again',
    levels: ['info'],
    fields: [],
    means: 'What waited is on its way',
    action: null,
  },
  'Postgres refuses an answer: kept here, tried again each hour': {
    name: 'answer_refused',
    levels: ['error'],
    fields: ['epoch', 'reason'],
    means:
      'A constraint or trigger of the database does not take it. It stays in DATA_DIR and is read back from there',
    action: '`reason` has the SQLSTATE and what it is about',
  },
  'a ledger of this machine cannot be read: quotas count without it': {
    name: 'ledger_unreadable',
    levels: ['error'],
    fields: ['directory', 'why'],
    means:
      'Without Postgres, quotas sum up all ledgers below DATA_DIR. What is used by `directory` does not count until it can be read: it is tried again each second, and told once',
    action:
      '`why` has the reason: the owner of the files, or a file that is damaged: move it away, and keep it',
  },
  'a ledger without a process cannot be taken over: tried again': {
    name: 'ledger_not_adopted',
    levels: ['error'],
    fields: ['directory', 'why'],
    means: 'Rows of a process that is no more stay on the disk of this machine',
    action: '`why` has the reason: mostly the owner of the files, or a newer relay that wrote them',
  },
  'log level changed': {
    name: 'log_level_changed',
    levels: ['info'],
    fields: ['logLevel'],
    means: 'SIGUSR2: `debug` is on, or LOG_LEVEL holds again',
    action: null,
  },
  'step over': {
    name: 'step_over',
    levels: ['debug'],
    fields: [...WAY, 'step', 'code', 'ms'],
    means:
      'What a run waited for: its `quota`, `ledger_intent` before the call, `ledger_settlement` after it',
    action: 'Long ones: Postgres for `quota`, the disk for `ledger_…`',
  },
  'upstream attempt begun': {
    name: 'upstream_attempt_begun',
    levels: ['debug'],
    fields: [...WAY, 'model', 'attempt'],
    means: 'The model is asked; `attempt` counts from 1',
    action: null,
  },
  'upstream attempt answered': {
    name: 'upstream_attempt_answered',
    levels: ['debug'],
    fields: [...WAY, 'model', 'attempt', 'status', 'upstreamRequestId', 'ms'],
    means: 'The head of its response came, `ms` after it was asked',
    action: null,
  },
  'upstream attempt over': {
    name: 'upstream_attempt_over',
    levels: ['debug'],
    fields: [...WAY, 'model', 'attempt', 'outcome', 'code', 'ms'],
    means: '`done`, `aborted` by us or the client, or `failed`',
    action: null,
  },
  'request answered': {
    name: 'request_answered',
    levels: ['debug'],
    fields: ['requestId', 'method', 'route', 'status', 'ms'],
    means: 'One HTTP request, by its route',
    action: null,
  },
  'connection opened': {
    name: 'connection_opened',
    levels: ['info'],
    fields: ['connectionId', 'userId', 'suppressed'],
    means: 'A WebSocket of a user whose token was verified',
    action: null,
  },
  'connection closed': {
    name: 'connection_closed',
    levels: ['info'],
    fields: ['connectionId', 'userId', 'code', 'reason', 'durationMs', 'suppressed'],
    means: 'It is over. `reason`: why the relay closed it, if it did',
    action: 'Many `noPong` or 1006 at once: the network or the proxy in front',
  },
  'stream started': {
    name: 'stream_started',
    levels: ['info'],
    fields: [...RUN, ...CALLER, ...PAYER],
    means: 'A question was taken; its intent is on disk',
    action: null,
  },
  'stream ended': {
    name: 'stream_ended',
    levels: ['info', 'error'],
    fields: [
      ...RUN,
      ...CALLER,
      ...PAYER,
      'servedModel',
      'status',
      'code',
      'stopReason',
      'refusal',
      'abortReason',
      'firstTokenMs',
      'totalMs',
      'upstreamClosedMs',
      'chunks',
      'bytes',
      'upstreamRequestId',
      'inputTokens',
      'outputTokens',
      'cacheReadTokens',
      'cacheWriteTokens',
      'usageSource',
      'costUsd',
      'cause',
    ],
    means:
      'Its ending, and what it cost. `model` was asked, `servedModel` answered, as the API named it. `refusal`: why the model refused, by the category of the API, or `unnamed`',
    action: '`error` level: `internal` is a bug, with its stack; `upstream_account` see there',
  },
  'stream resumed': {
    name: 'stream_resumed',
    levels: ['info'],
    fields: [...RUN, ...CALLER, 'after', 'head', 'suppressed'],
    means: 'A client reads on, from the piece after `after`',
    action: null,
  },
  'cancel asked': {
    name: 'cancel_asked',
    levels: ['info'],
    fields: ['streamId', 'userId', ...CALLER, 'suppressed'],
    means: 'A client asked for a run to be cancelled',
    action: null,
  },
  refused: {
    name: 'refused',
    levels: ['info', 'warn'],
    fields: [...CALLER, 'userId', 'streamId', 'of', 'code', 'reason', 'origin', 'cause', 'suppressed'],
    means: 'A handshake, frame or request was refused; `reason` says which check it was',
    action: 'One `reason` that rises: see Refusals, Floods, 401 and 403 below',
  },
  'tool called': {
    name: 'tool_called',
    levels: ['info', 'warn'],
    fields: ['epoch', ...CALLER, 'action', 'tool', 'call', 'step', 'outcome', 'status', 'bytes', 'ms'],
    means: "The model asked for a tool of the action's, and its endpoint was called, or refused to be",
    action: 'By `outcome`: the endpoint, its time limit, or its secret',
  },
  'passed on': {
    name: 'passed_on',
    levels: ['info'],
    fields: ['userId', ...CALLER, 'name', 'status', 'outcome', 'ms', 'bytes', 'suppressed'],
    means: 'A body that only the old function serves went there (LEGACY_FUNCTIONS_URL)',
    action: '`failed` or `late`: the old functions; `redirect`: the address is wrong',
  },
  failed: {
    name: 'failed',
    levels: ['error'],
    fields: ['what', 'connectionId', 'epoch', 'cause', 'suppressed'],
    means: 'An error that no client could be told of, in the part that `what` names',
    action: 'Its `cause` has the kind and, of a bug, the stack',
  },
  'prompt not counted: its reservation stays as it was estimated': {
    name: 'prompt_not_counted',
    levels: ['warn'],
    fields: [
      'reason',
      ...CALLER,
      'epoch',
      'model',
      'status',
      'type',
      'errorCode',
      'upstreamRequestId',
      'suppressed',
    ],
    means: 'The API did not count a long prompt; the answer goes on',
    action: 'Many: COUNT_TOKENS_ABOVE off, or see to the limits of the account',
  },
  'memory pressure changed': {
    name: 'memory_pressure',
    levels: ['warn'],
    fields: ['pressure'],
    means:
      '`soft`: new questions are refused; `hard`: old answers can no longer be resumed; `critical`: the slowest reader is closed; `none`: over',
    action: 'More memory, or fewer connections (MAX_CONNECTIONS)',
  },
  'event loop overload changed': {
    name: 'event_loop_overload',
    levels: ['warn'],
    fields: ['overloaded', 'lagMs'],
    means:
      '`overloaded` true: for two seconds the event loop has been late by MAX_EVENT_LOOP_LAG_MS or more, half of the time; new questions and connections are refused, live answers go on. False: it is in time again. `lagMs`: how late, in the middle',
    action: 'Another machine, or a CPU of its own; `dash_live_streams` says how many answers were too many',
  },
  'no ANTHROPIC_API_KEY: answers come from the simulated model': {
    name: 'simulated',
    levels: ['warn'],
    fields: [],
    means: 'No answer is real, and none costs anything',
    action: 'In production set the key',
  },
  'upstream attempt failed': {
    name: 'upstream_attempt_failed',
    levels: ['warn'],
    fields: [
      'epoch',
      'model',
      'attempt',
      'error',
      'willRetry',
      'fallback',
      'status',
      'type',
      'errorCode',
      'code',
      'upstreamRequestId',
      ...CALLER,
    ],
    means: 'One try at the model, by what the API said; `willRetry` or `fallback` says how it goes on',
    action: "Many at once: the model's status page; `upstreamRequestId` is what its support asks for",
  },
  "the account at the model's API does not work: see to its key, its money, its rights or its models": {
    name: 'account_fails',
    levels: ['error'],
    fields: ['status', 'type', 'errorCode', 'code', 'upstreamRequestId'],
    means: 'Nobody gets an answer',
    action: 'By `status` and `errorCode`: the table below',
  },
  "the account at the model's API works again": {
    name: 'account_works',
    levels: ['info'],
    fields: [],
    means: 'Answers are had again',
    action: null,
  },
  'a model in use is retired: it is asked no more, and who names it is refused; name another': {
    name: 'model_retired',
    levels: ['info', 'warn'],
    fields: ['model', 'state', 'usedBy'],
    means: 'The API, or MODELS_FILE, says that it answers nobody',
    action:
      'Name another in the settings of `usedBy`, and send SIGHUP; a key of the environment takes a restart',
  },
  'a model in use will retire: name another before': {
    name: 'model_deprecated',
    levels: ['info', 'warn'],
    fields: ['model', 'state', 'usedBy', 'retiresOn'],
    means: 'On the day `retiresOn`, if there is one',
    action: 'Name another before that day',
  },
  'a model in use is not in the list of the API: misspelt, not for this key, or gone': {
    name: 'model_unlisted',
    levels: ['info', 'warn'],
    fields: ['model', 'state', 'usedBy'],
    means: 'It is asked all the same',
    action: 'Check the name; a gateway may know more than it lists',
  },
  'the API says otherwise of a model in use than the models file: bring MODELS_FILE up to date': {
    name: 'model_differs',
    levels: ['info', 'warn'],
    fields: ['model', 'state', 'usedBy', 'differences'],
    means: '`differences` names the facts',
    action: 'Bring MODELS_FILE up to date',
  },
  'of a model in use that is so no more': {
    name: 'model_resolved',
    levels: ['info'],
    fields: ['model', 'state'],
    means: 'What was said of it before is over',
    action: null,
  },
  "the API's list of models cannot be had: models are known by the models file alone": {
    name: 'models_unlisted',
    levels: ['info'],
    fields: ['kind', 'status', 'reason'],
    means: 'This key or gateway has no list',
    action: null,
  },
  'switches changed': {
    name: 'switches_changed',
    levels: ['warn'],
    fields: SWITCHES,
    means:
      'So the switches stand from now on; `from` says which place each is set in: environment, fleet, file',
    action: null,
  },
  'SWITCHES_FILE cannot be used: its last values hold': {
    name: 'switches_unusable',
    levels: ['error'],
    fields: ['why'],
    means: '`why` says what is wrong in it',
    action: 'Mend the file; no restart is needed',
  },
  'revocations changed': {
    name: 'revocations_changed',
    levels: ['warn'],
    fields: ['users', 'sessions', 'keys'],
    means: 'So many revocations are known from now on, those of REVOCATIONS_FILE and of the fleet together',
    action: null,
  },
  'answer reported': {
    name: 'answer_reported',
    levels: ['info'],
    fields: ['userId', 'streamId', 'epoch', 'category'],
    means:
      'A person says that something is wrong with an answer: `category` is wrong, unkind, unsafe, private or other. Words, where they sent some, are not logged',
    action: '`dash-relay reports` lists what there is; somebody should read it each day',
  },
  'reports of answers do not reach Postgres: kept, tried again': {
    name: 'reports_unshipped',
    levels: ['warn'],
    fields: ['cause'],
    means: 'They stay in DATA_DIR until they do; none is lost. Told once, until one has arrived',
    action:
      'As for usage rows that do not reach Postgres; where the table is not there: `dash-relay migrate`',
  },
  'Postgres refuses a report of an answer: kept, tried again': {
    name: 'report_refused',
    levels: ['error'],
    fields: ['reason'],
    means:
      'A constraint or trigger of the database does not take it. It stays in DATA_DIR and is tried each hour',
    action: '`reason` has the SQLSTATE and what it is about; `dash-relay reports` shows the report',
  },
  'tokens were revoked: what went on by them is ended': {
    name: 'revoked',
    levels: ['warn'],
    fields: ['streams', 'connections', 'requests'],
    means:
      'Streams ended as `unauthorized` (`stream ended` with `abortReason` revoked has whose), WebSockets closed (`connection closed` with `reason` tokenRevoked), and requests that read a stream',
    action: null,
  },
  'REVOCATIONS_FILE cannot be used: its last entries hold': {
    name: 'revocations_unusable',
    levels: ['error'],
    fields: ['why'],
    means: '`why` says what is wrong in it',
    action: 'Mend the file; no restart is needed',
  },
  'the revocations of the fleet cannot be read: the last known hold': {
    name: 'fleet_revocations_unreadable',
    levels: ['warn'],
    fields: ['why'],
    means: 'Redis cannot be asked, and `why` says why: new revocations are not heard of here until it can',
    action: 'As for `redis is away`. What cannot wait: `dash-relay revoke --file` on each machine',
  },
  'revocations of the fleet are no entries of a relay: the others hold': {
    name: 'fleet_revocations_malformed',
    levels: ['error'],
    fields: ['unreadable'],
    means: '`unreadable` fields of the hash `<prefix>:revocations` cannot be read: somebody else wrote them',
    action: 'Revoke again by `dash-relay revoke`, and HDEL what it did not write',
  },
  'redis had lost revocations: they are put back': {
    name: 'revocations_put_back',
    levels: ['warn'],
    fields: ['users', 'sessions', 'keys'],
    means: 'Redis came back without them, and has what this machine knew; so many there are now',
    action: 'One that was taken back meanwhile may be there again: `dash-relay revoke --list`',
  },
  'revocations cannot be kept in DATA_DIR: a start without redis would not know them': {
    name: 'revocations_not_kept',
    levels: ['warn'],
    fields: ['why'],
    means: 'The copy `revocations.json` cannot be written. They hold all the same',
    action: 'See to the disk; `why` says what is wrong',
  },
  'revocations kept in DATA_DIR cannot be used: those of redis hold once they are read': {
    name: 'kept_revocations_unusable',
    levels: ['error'],
    fields: ['why'],
    means: 'The copy `revocations.json` is no file of a relay',
    action: 'Remove it; it is written again with the next change',
  },
  "USER_ID_KEY is not set: who has a list of user ids can tell whose the model API's `metadata.user_id` is": {
    name: 'user_ids_unkeyed',
    levels: ['warn'],
    fields: [],
    means: 'Users are told to the vendor of the model by a hash that anybody can compute from their id',
    action: 'Set USER_ID_KEY, the same on all machines (docs/identity.md)',
  },
  'settings read again: they hold for what begins now': {
    name: 'settings_reloaded',
    levels: ['info'],
    fields: ['changed', 'actions', 'plans', 'prices', 'models'],
    means:
      'SIGHUP: the files named in `changed` hold, and how many entries each has now; live answers keep what they began with',
    action: null,
  },
  'settings read again: nothing has changed': {
    name: 'settings_unchanged',
    levels: ['info'],
    fields: [],
    means: 'SIGHUP, and the files are as they were',
    action: 'If you changed one: it is not the file that the environment names',
  },
  'settings read again cannot be used: those before hold, all of them': {
    name: 'settings_refused',
    levels: ['error'],
    fields: ['problems'],
    means: 'SIGHUP: `problems` says all that is wrong, in the words of a start',
    action: 'Mend the files before the next start, and send SIGHUP again',
  },
  'the switches of the fleet cannot be used: their last values hold': {
    name: 'fleet_switches_unusable',
    levels: ['warn', 'error'],
    fields: ['why'],
    means: 'Redis cannot be asked (warn), or what it holds is no switch (error): `why` says what is wrong',
    action: 'error: set it again by `dash-relay switch`, or HDEL what it names from `<prefix>:switches`',
  },
  'the relay is switched off: it takes no question': {
    name: 'switched_off',
    levels: ['warn'],
    fields: SWITCHES,
    means: 'RELAY_ENABLED is false: apps ask their own function',
    action: 'Switch it on again when the trouble is over',
  },
  'key set loaded': {
    name: 'keys_loaded',
    levels: ['info'],
    fields: ['kind', 'keys'],
    means: 'Tokens can be checked by these keys',
    action: null,
  },
  'key set not loaded': {
    name: 'keys_not_loaded',
    levels: ['warn'],
    fields: ['kind', 'cause', 'hint', 'retryInMs'],
    means: 'The keys known before count for an hour',
    action:
      '`hint` says what its answer lacks. Without one: reach the key set from this machine (DNS, TLS, a proxy)',
  },
  'tokens of this role are refused: name it in ALLOWED_ROLES if it is of users': {
    name: 'role_refused',
    levels: ['warn'],
    fields: ['kind', 'role'],
    means: 'Told once of each role',
    action: 'ALLOWED_ROLES, if an access-token hook gives it to users',
  },
  'a claim is no text of 1 to 128 characters: its users count as having none': {
    name: 'claim_unusable',
    levels: ['warn'],
    fields: ['kind', 'claim', 'why'],
    means: 'A tier or school that cannot be used',
    action: 'Mend the hook, or name another claim',
  },
  'a tier without a plan: its users have the plan free': {
    name: 'tier_without_plan',
    levels: ['warn'],
    fields: ['tier'],
    means: 'Told once of each tier',
    action: 'Put it into `tiers` of a plan in PLANS_FILE',
  },
  'a limit is smaller than one answer: each question is refused': {
    name: 'limit_below_answer',
    levels: ['warn'],
    fields: ['problem'],
    means: '`problem` names the limit, the actions and what one answer may take',
    action: 'Raise the limit, or lower `maxTokens` and thinking of the actions',
  },
  'identity: IDENTITY_VIEW cannot be read': {
    name: 'identity_unreadable',
    levels: ['error'],
    fields: ['hint'],
    means: 'Tier and school are those read before, or of the token',
    action: '`hint` says what to grant or create',
  },
  'identity: IDENTITY_VIEW is read again': {
    name: 'identity_readable',
    levels: ['info'],
    fields: [],
    means: 'It is mended',
    action: null,
  },
  "identity: IDENTITY_VIEW cannot be asked of a user who was never read: the token's claims count": {
    name: 'identity_by_token',
    levels: ['warn'],
    fields: ['userId', 'suppressed'],
    means: 'Such users are often served as `free`',
    action: 'Bring Postgres back',
  },
  'IDENTITY_VIEW has no row that this relay may see: it is empty, or row-level security hides them all': {
    name: 'identity_empty',
    levels: ['warn'],
    fields: ['kind'],
    means: 'Nobody has a tier by it',
    action: 'Write the view, or leave `security_invoker` out of it',
  },
  'IDENTITY_VIEW has several rows for a user: the first by organization_id counts': {
    name: 'identity_several_rows',
    levels: ['warn'],
    fields: ['kind'],
    means: 'Told once',
    action: 'Have the view say which one counts',
  },
  'a value of IDENTITY_VIEW is no text of 1 to 128 characters: its users count as having none': {
    name: 'identity_unusable',
    levels: ['warn'],
    fields: ['kind', 'column', 'why'],
    means: 'A tier or school that cannot be used',
    action: 'Mend the view',
  },
  "the row of a user in IDENTITY_VIEW cannot be read: the token's claims count": {
    name: 'identity_row_unreadable',
    levels: ['warn'],
    fields: ['kind', 'reason'],
    means: 'The view fails for this user',
    action: 'Read the row as the user of DATABASE_URL',
  },
  'Postgres gives fewer connections than DATABASE_POOL: statements share them': {
    name: 'postgres_few_connections',
    levels: ['warn'],
    fields: ['connections', 'wanted'],
    means: 'Statements wait for one another',
    action: 'Lower DATABASE_POOL, or raise the limit of the pooler',
  },
  'the webhook does not take events: kept, tried again': {
    name: 'webhook_away',
    levels: ['error'],
    fields: ['outcome', 'status'],
    means:
      'Several events in a row were not taken by WEBHOOK_URL. They wait on the disk, and leave when it takes one; told once, until then',
    action:
      '`outcome`: `failed`, `late` or `status`: the endpoint and its log; `redirect`: name the address that it leads to; `address`: it leads inside, see WEBHOOK_ALLOW_PRIVATE. `dash-relay doctor --webhook` sends one for a try',
  },
  'the webhook takes events again': {
    name: 'webhook_back',
    levels: ['info'],
    fields: ['awayMs'],
    means: 'What waited goes there now',
    action: null,
  },
  'an event for the webhook is given up: kept, to be sent again': {
    name: 'webhook_event_dead',
    levels: ['error'],
    fields: ['webhookId', 'outcome', 'status'],
    means: 'Eleven attempts in two days failed. It is kept for 30 days',
    action: 'See what the endpoint has against it; then `dash-relay webhooks resend`',
  },
  'the webhook wants no more events (410): kept until the next start': {
    name: 'webhook_gone',
    levels: ['error'],
    fields: [],
    means: 'The endpoint answered 410. Events are written as before, and none is sent by this process',
    action: 'Set WEBHOOK_URL right, or unset it with WEBHOOK_SECRET, and restart',
  },
  'usage rows do not reach Postgres: kept here, tried again': {
    name: 'rows_kept',
    levels: ['error'],
    fields: ['kind', 'unshipped', 'cause'],
    means: 'They wait on the disk; nothing is lost',
    action: 'Bring Postgres back; `unshipped` says how many',
  },
  'Postgres has no place for usage rows: run `npm run migrate`, and grant dash_relay_writer to the user': {
    name: 'rows_without_schema',
    levels: ['error'],
    fields: ['kind', 'unshipped', 'cause'],
    means: 'They wait on the disk; nothing is lost',
    action: 'Migrate, and grant',
  },
  'usage rows reach Postgres again': {
    name: 'rows_arrive',
    levels: ['info'],
    fields: ['shipped', 'outageMs'],
    means: 'What waited goes there',
    action: null,
  },
  'Postgres refuses usage rows: kept here, tried again each hour': {
    name: 'rows_refused',
    levels: ['error'],
    fields: ['rows', 'reason'],
    means: 'A constraint of the database refuses these rows',
    action: 'Drop or mend the constraint; the rows come by themselves',
  },
  'quota: Postgres is back': {
    name: 'quota_recovered',
    levels: ['info'],
    fields: [],
    means: 'Limits are shared between machines again',
    action: null,
  },
  'quota: Postgres cannot correct reservations by counted prompts: run `npm run migrate`, then restart': {
    name: 'quota_uncorrectable',
    levels: ['warn'],
    fields: [],
    means: 'Reservations stay as estimated until their runs end',
    action: 'Migrate, then restart',
  },
  'daily budget spent: starts are refused until the next day': {
    name: 'budget_spent',
    levels: ['error'],
    fields: ['day', 'limitUsd'],
    means: 'All answers of this day (UTC) have cost `spendingPerDayUsd`',
    action: 'Wait for midnight, or raise it in PLANS_FILE and send SIGHUP',
  },
  'the rest of the daily budget is reserved by live answers: starts wait for them': {
    name: 'budget_reserved',
    levels: ['warn'],
    fields: ['day', 'limitUsd'],
    means: 'Starts get `rate_limited` until answers end',
    action: 'Daily, long before it is spent: the figure is small for so many live answers',
  },
  "mirror: the app's table does not fit": {
    name: 'mirror_problem',
    levels: ['error'],
    fields: ['problem'],
    means: '`problem` says what is wrong and what to do',
    action: 'Mend the table, or MIRROR_FILE and `npm run migrate`',
  },
  "mirror: the app's table refuses runs: kept, tried again": {
    name: 'mirror_refused',
    levels: ['error'],
    fields: ['table', 'sqlstate', 'column', 'constraint', 'rows', 'suppressed'],
    means: 'Nothing is lost: `dash_relay.usage` has all rows',
    action: 'Mend the table; `npm run mirror -- --recopy` brings them at once',
  },
  "mirror: the app's table has all runs again": {
    name: 'mirror_mended',
    levels: ['info'],
    fields: ['table', 'rows'],
    means: 'What was refused has come',
    action: null,
  },
  'mirror: nothing can be copied now: kept, tried again': {
    name: 'mirror_stopped',
    levels: ['warn'],
    fields: ['waiting'],
    means: "A lock on the app's table, or Postgres being away",
    action: 'Find who holds the lock',
  },
  'redis is reached': {
    name: 'redis_reached',
    levels: ['info'],
    fields: ['prefix'],
    means: 'Machines continue one another’s streams',
    action: null,
  },
  'redis is away: streams go on here': {
    name: 'redis_away',
    levels: ['warn'],
    fields: ['reason', 'operation', 'hint'],
    means: 'Each machine goes on alone',
    action: '`hint` says what Redis said',
  },
  'malformed in redis: that stream is lost to other machines': {
    name: 'redis_malformed',
    levels: ['error'],
    fields: ['what', 'epoch', 'suppressed'],
    means: 'Something there is not of this relay',
    action: 'Find who else writes under the prefix',
  },
  'relays of another version are on this redis: no stream moves between them and this one until they are gone':
    {
      name: 'redis_other_versions',
      levels: ['warn'],
      fields: ['formats'],
      means: 'A deploy across a change of what is stored, or a machine that was forgotten',
      action: 'End the old machines',
    },
  'no relay of another version is on this redis any more': {
    name: 'redis_one_version',
    levels: ['warn'],
    fields: ['formats'],
    means: 'The deploy is over',
    action: null,
  },
} as const satisfies Readonly<Record<string, LogEvent>>;

export type LogMessage = keyof typeof LOG_EVENTS;

/** What a line may have beside what all lines have; those of the parent say which worker they are of. */
export type FieldOf<Message extends LogMessage> =
  | (typeof LOG_EVENTS)[Message]['fields'][number]
  | (Message extends `a worker ${string}` ? 'worker' : never);
