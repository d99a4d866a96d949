/** What went wrong, in words for a pupil or a teacher: never a code, always what can be done. */

const BUSY = ['The model is busy', 'Many people are asking at the moment. Try again in a little while.'];
const BROKE_OFF = ['The answer broke off', 'The connection to the model was lost. What had arrived is kept.'];
const LOST = [
  'This answer can no longer be picked up',
  'The server no longer has it. Ask again for a fresh one.',
];
const SIGN_IN = ['You are signed out', 'Sign in again to go on. Your conversations are still here.'];
const NOT_SENT = [
  'This question could not be sent',
  'Something in it is not supported. Try to put it another way.',
];

const WORDS = {
  quota_exceeded: [
    'The plan’s answers are used up',
    'Ask your school to raise the limit, or wait for the next month.',
  ],
  rate_limited: ['That was a little fast', 'Wait a moment, then ask again.'],
  too_many_streams: ['Many answers at once', 'Let one of them finish, or stop one, then ask again.'],
  too_many_connections: ['Open in too many places', 'Close Dash in another window, then try again.'],
  too_large: ['This question is too long', 'Shorten it, or send it in two parts.'],
  model_not_allowed: [
    'This server does not offer that model',
    'Set “Simulated trouble” back to “None” and ask again.',
  ],
  unauthorized: SIGN_IN,
  forbidden: ['This account may not ask here', 'Your school decides who can use Dash.'],
  no_token: [
    'This page works in development only',
    'The server gives out no test sign-ins. Use the app instead.',
  ],
  upstream_overloaded: BUSY,
  upstream_rate_limited: BUSY,
  upstream_reset: BROKE_OFF,
  upstream_truncated: BROKE_OFF,
  upstream_error: ['The model could not answer', 'This is not about your question. Try again in a moment.'],
  upstream_refused: ['The model did not take this question', 'Try to put it another way.'],
  upstream_timeout: ['The model fell silent', 'It stopped in the middle of the answer. Try again.'],
  interrupted: ['The server restarted', 'What had arrived is kept. Ask again for the whole answer.'],
  shutting_down: ['The server is restarting', 'It will be back in a moment.'],
  unavailable: ['Dash is not available right now', 'Try again in a moment.'],
  abandoned: LOST,
  resume_gap: LOST,
  unknown_stream: LOST,
  bad_request: NOT_SENT,
  unsupported: NOT_SENT,
  unknown_action: NOT_SENT,
};

const OTHERWISE = ['Something went wrong', 'This is not about your question. Try again.'];

/** [what happened, what to do] for a code of the contract. */
export function plainWords(code) {
  return WORDS[code] ?? OTHERWISE;
}

const USAGE_SOURCES = {
  final: 'counted',
  estimated: 'estimated',
  input_only: 'question only',
  none: 'nothing billed',
};

export function usageSource(source) {
  return USAGE_SOURCES[source] ?? source;
}

/** Why an answer is shorter than it might have been; undefined where it is whole. */
export function stopWords(stopReason) {
  if (stopReason === 'max_tokens') return 'The answer reached its length limit.';
  if (stopReason === 'refusal') return 'Dash declined to answer this.';
  if (stopReason === 'model_context_window_exceeded')
    return 'The conversation became too long for the model.';
  return undefined;
}
