/** What the page offers: kinds of help, questions to start with, and trouble the simulated model can play. */

export const ACTIONS = [
  { action: 'general_assistance', label: 'Anything' },
  { action: 'chat', label: 'Chat' },
  { action: 'homework_help', label: 'Homework help' },
  { action: 'lesson_generation', label: 'Lesson planning' },
  { action: 'grading_assistance', label: 'Grading' },
];

export const SUGGESTIONS = [
  {
    action: 'homework_help',
    title: 'Understand a topic',
    question: 'Explain photosynthesis to a 10-year-old',
  },
  {
    action: 'lesson_generation',
    title: 'Plan a lesson',
    question: 'Lesson plan about fractions for grade 4, 45 minutes',
  },
  {
    action: 'chat',
    title: 'Practise',
    question: 'Quiz me on the solar system',
  },
  {
    action: 'grading_assistance',
    title: 'Give feedback',
    question:
      'Grade this: The water cycle begin when the sun heats the sea. Then clouds are made and it rains.',
  },
];

/** Models that only the simulator knows. */
export const TROUBLES = [
  { model: '', label: 'None' },
  { model: 'sim:slow', label: 'A very slow model' },
  { model: 'sim:long', label: 'A very long answer' },
  { model: 'sim:reset', label: 'Breaks off midway' },
  { model: 'sim:overloaded', label: 'Model is overloaded' },
  { model: 'sim:bad-request', label: 'Question is refused' },
];
