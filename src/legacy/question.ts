/** The words that the model is asked, made of the fields of an old body: what each action's form had, one line each. */
import { RelayError } from '../protocol/relay-error.ts';
import { type Fields, listIn, textIn } from './fields.ts';

/**
 * Undefined where the body has none of them: it may have messages, or an image.
 * @param kind the shipped action whose fields the body has
 * @throws RelayError bad_request
 */
export function questionOf(kind: string, fields: Fields): string | undefined {
  const prompt = textIn(fields, 'prompt', 'userInput', 'question', 'content');
  const lines = FORMS[kind]?.(fields) ?? [];
  const question = [prompt, lines.join('\n')].filter((part) => part !== undefined && part !== '');
  return question.length === 0 ? undefined : question.join('\n\n');
}

type Form = (fields: Fields) => readonly string[];

const FORMS: Readonly<Record<string, Form>> = {
  lesson_generation: lesson,
  grading_assistance: grading,
  homework_help: homework,
  general_assistance: document,
};

function lesson(fields: Fields): readonly string[] {
  const topic = textIn(fields, 'topic');
  const duration = textIn(fields, 'duration');
  const rest = [
    ...line('Subject', textIn(fields, 'subject')),
    ...line('Grade', gradeOf(fields)),
    ...line('Length', duration !== undefined && /^\d+$/.test(duration) ? `${duration} minutes` : duration),
    ...list('Objectives', listIn(fields, 'objectives', 'learningObjectives')),
    ...language(fields),
  ];
  if (topic !== undefined) return ['Plan a lesson.', `Topic: ${topic}`, ...rest];
  if (textIn(fields, 'prompt', 'userInput', 'question', 'content') === undefined && rest.length > 0)
    throw new RelayError('bad_request', 'topic: what the lesson is about');
  return rest;
}

function grading(fields: Fields): readonly string[] {
  const submission = textIn(fields, 'submission');
  if (submission === undefined) return [];
  return [
    'Mark this work: short feedback that helps, and a score from 0 to 100.',
    ...line('Grade', gradeOf(fields)),
    ...list('Rubric', listIn(fields, 'rubric')),
    ...language(fields),
    'The work:',
    '<work>',
    // Whoever wrote it must not be able to end it.
    submission.replaceAll(/<\/work/gi, '< /work'),
    '</work>',
  ];
}

function homework(fields: Fields): readonly string[] {
  return [
    ...line('Subject', textIn(fields, 'subject')),
    ...line('Grade', gradeOf(fields)),
    ...line('Difficulty', textIn(fields, 'difficulty')),
    ...language(fields),
  ];
}

/** Of `document_analysis`, and the language that any question may ask for. */
function document(fields: Fields): readonly string[] {
  const text = textIn(fields, 'document_text');
  return text === undefined
    ? language(fields)
    : ['Say what this document is about, and what is worth knowing of it.', ...language(fields), text];
}

function gradeOf(fields: Fields): string | undefined {
  return textIn(fields, 'gradeLevel', 'grade');
}

function language(fields: Fields): readonly string[] {
  return line('Language of the answer', textIn(fields, 'language'));
}

function line(label: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [`${label}: ${value}`];
}

function list(label: string, items: readonly string[]): readonly string[] {
  return items.length === 0 ? [] : [`${label}:`, ...items.map((item) => `- ${item}`)];
}
