import type { Suggestion } from './welcome.tsx';

/** What people at schools begin with; an app hands in its own. */
export const SUGGESTIONS: readonly Suggestion[] = [
  {
    title: 'Explain photosynthesis',
    detail: 'in simple words, with an example',
    prompt: 'Explain photosynthesis to a ten-year-old, with an example.',
  },
  {
    title: 'Plan a lesson',
    detail: 'on fractions, 45 minutes, grade 5',
    prompt: 'Plan a 45-minute lesson on fractions for grade 5.',
  },
  {
    title: 'Help with homework',
    detail: 'one step after the other',
    prompt: 'Help me solve 3x + 7 = 22, one step after the other.',
  },
  {
    title: 'Quiz me',
    detail: 'on the solar system',
    prompt: 'Ask me five questions about the solar system, with the answers at the end.',
  },
];
