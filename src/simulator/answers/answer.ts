/** The simulated assistant's words: a question in, the same Markdown answer out for the same randomness. */
import type { Random } from '../random.ts';
import { type Intent, readIntent } from './intent.ts';
import { TEMPLATES } from './templates.ts';
import { TOPICS } from './topics.ts';

export function composeAnswer(question: string, random: Random): string {
  return render(readIntent(question), random);
}

/** A very long answer: the question's own, followed by chapters on everything else the assistant knows. */
export function composeLongAnswer(question: string, random: Random): string {
  const chapters = Array.from({ length: 40 }, (_, i) => {
    const topic = random.pick(TOPICS);
    return `## Chapter ${i + 1}: ${topic.name}\n\n${render({ kind: 'explanation', topic: topic.name, question: topic.name }, random)}`;
  });
  return [composeAnswer(question, random), ...chapters].join('\n\n');
}

/** What the model seems to think before it answers. */
export function composeThinking(question: string): string {
  const intent = readIntent(question);
  const subject = 'topic' in intent ? ` about ${intent.topic}` : '';
  return (
    `The learner wants ${intent.kind === 'arithmetic' ? 'a sum worked out' : `help (${intent.kind})${subject}`}. ` +
    'I should answer kindly, keep it short, give one example, and end with a question that keeps them going.'
  );
}

function render<Kind extends Intent['kind']>(
  intent: Extract<Intent, { kind: Kind }>,
  random: Random,
): string {
  const template: (intent: Extract<Intent, { kind: Kind }>, random: Random) => string =
    TEMPLATES[intent.kind as Kind];
  return template(intent, random);
}
