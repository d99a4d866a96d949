/** What the page offers to try. */
import type { Transport } from '../client/index.ts';

/** What this is. */
export const CLAIM = 'Ask something, then cut the network: no word is lost.';

/** Models that only the simulator knows; the first is the relay's own choice. */
export const MODELS = [
  { model: '', label: 'Ordinary' },
  { model: 'sim:slow', label: 'Very slow' },
  { model: 'sim:long', label: 'Very long answer' },
  { model: 'sim:reset', label: 'Breaks off midway' },
  { model: 'sim:overloaded', label: 'Overloaded' },
  { model: 'sim:bad-request', label: 'Refuses the question' },
] as const;

export const TRANSPORTS: readonly { readonly transport: Transport; readonly label: string }[] = [
  { transport: 'websocket', label: 'WebSocket' },
  { transport: 'sse', label: 'SSE' },
  { transport: 'json', label: 'JSON' },
];

export const QUESTIONS = [
  { action: 'homework_help', question: 'Explain photosynthesis to a 10-year-old' },
  { action: 'lesson_generation', question: 'Lesson plan about fractions for grade 4, 45 minutes' },
  { action: 'chat', question: 'Quiz me on the solar system' },
] as const;

/** What the page begins with, and offers. */
export const OPENING = {
  action: 'homework_help',
  title: 'Show me what you can do',
  detail: 'a formula, a list and some code',
  prompt: 'Show me what you can do, with a formula, a list and some code.',
} as const;

/** How long the button cuts the network, ms. */
export const CUT_MS = 4000;
