/** The simulated assistant's words: a question in, the same Markdown answer out for the same randomness. */
import type { Random } from '../random.ts';
import { readTask, type Task } from './task.ts';
import { TEMPLATES } from './templates.ts';
import { TOPICS } from './topics.ts';

export function composeAnswer(question: string, random: Random): string {
  return render(readTask(question), random);
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
  const task = readTask(question);
  const subject = 'topic' in task ? ` about ${task.topic}` : '';
  return (
    `The learner wants ${task.kind === 'arithmetic' ? 'a sum worked out' : `help (${task.kind})${subject}`}. ` +
    'I should answer kindly, keep it short, give one example, and end with a question that keeps them going.'
  );
}

function render<Kind extends Task['kind']>(task: Extract<Task, { kind: Kind }>, random: Random): string {
  const template: (task: Extract<Task, { kind: Kind }>, random: Random) => string =
    TEMPLATES[task.kind as Kind];
  return template(task, random);
}
