/** The task that a question sets, read from its words alone. Owns the reading; the answers have files of their own. */
import { parseExpression, type Step } from './expression.ts';

export type Task =
  | { readonly kind: 'greeting' }
  | { readonly kind: 'thanks' }
  | { readonly kind: 'showpiece' }
  | { readonly kind: 'arithmetic'; readonly steps: readonly Step[] }
  | {
      readonly kind: 'lesson-plan';
      readonly topic: string;
      readonly grade: string | null;
      readonly minutes: number;
    }
  | { readonly kind: 'grading'; readonly work: string }
  | { readonly kind: 'quiz'; readonly topic: string }
  | { readonly kind: 'writing'; readonly topic: string }
  | { readonly kind: 'explanation'; readonly topic: string; readonly question: string };

const GREETING =
  /^(hi|hey|hello|hallo|hola|salut|bonjour|howzit|good (morning|afternoon|evening)|sawubona|molo)\b[^?]{0,30}\W*$/iu;
const THANKS = /^(thanks?|thank you|thx|great|perfect|cool|awesome|merci|dankie)\b.{0,40}$/iu;
const SHOWPIECE = /\bshow (?:me |us )?what you can do\b/iu;
const LESSON =
  /\b(lesson|unit|teaching) ?plan\b|\bplan (me )?(a|my|the|one) .{0,30}\blesson\b|\blesson (on|about|for)\b/iu;
const GRADING =
  /\b(grade|mark|assess|correct|give (me )?feedback on|proofread|check) (this|my|the|their|her|his)\b/iu;
const QUIZ = /\b(quiz|practice questions|worksheet|flash ?cards?|test me)\b/iu;
const WRITING = /\bwrite\b.{0,30}\b(story|poem|letter|rhyme|song)\b|\btell (me|us) a story\b/iu;
/** What stands before the topic in a question. */
const LEAD =
  /^.*?\b(?:explain(?: to me)?|describe|teach (?:me|us)(?: about)?|tell (?:me|us)(?: more)? about|help (?:me|us) (?:to )?(?:understand|with)|quiz me (?:on|about)|(?:story|poem|letter|rhyme|song|quiz|questions|worksheet|lesson|plan|flash ?cards?) (?:on|about|for|to)|what(?:'s| is| are| was| were| does| do)|who (?:is|was|were)|how (?:do|does|did|is|are|can|to)|why (?:do|does|did|is|are))\s+/isu;
const AUDIENCE =
  /\s+(?:(?:to|for) (?:a|an|my|the|our|me|grade|year|kids|children|beginners|learners|students)\b.*|in (?:simple|easy|plain|a few|one|two|three|\d+)\b.*|(?:with|using) examples?.*|please\b.*|step by step.*|like i'?m .*)$/isu;

export function readTask(question: string): Task {
  const text = question.trim();
  const steps = parseExpression(text);
  if (steps !== undefined) return { kind: 'arithmetic', steps };
  if (text === '' || GREETING.test(text)) return { kind: 'greeting' };
  if (THANKS.test(text)) return { kind: 'thanks' };
  if (SHOWPIECE.test(text)) return { kind: 'showpiece' };
  if (GRADING.test(text)) return { kind: 'grading', work: studentWork(text) };
  if (LESSON.test(text)) return lessonPlan(text);
  if (WRITING.test(text)) return { kind: 'writing', topic: topicOf(text) };
  if (QUIZ.test(text)) return { kind: 'quiz', topic: topicOf(text) };
  return { kind: 'explanation', topic: topicOf(text), question: plain(firstSentence(text), 90) };
}

function lessonPlan(text: string): Task {
  const minutes = Number(/(\d{2,3})[ -]?min/iu.exec(text)?.[1] ?? 45);
  const grade = /\b(?:grade|year|class) ?(r|\d{1,2})\b/iu.exec(text);
  return {
    kind: 'lesson-plan',
    topic: topicOf(text.replace(/\b(?:an? )?\d{2,3}[ -]?min(?:ute)?s?\b/giu, '')),
    grade: grade === null ? null : grade[0].replace(/^\w/u, (letter) => letter.toUpperCase()),
    minutes: Math.min(Math.max(minutes, 15), 180),
  };
}

/** What follows the request: after its colon or its first line. */
function studentWork(text: string): string {
  return /[:\n]\s*(\S[\s\S]*)$/u.exec(text)?.[1]?.trim() ?? '';
}

/** The subject of the first sentence, in the asker's words. */
function topicOf(text: string): string {
  const topic = firstSentence(text)
    .replace(LEAD, '')
    .replace(/^(?:the|a|an|my|our|about)\s+/iu, '')
    .replace(AUDIENCE, '')
    .replace(/\b(?:work|works|happens?|mean)\W*$/iu, '');
  return plain(topic, 60).replace(/[?!.]+$/u, '') || 'this';
}

function firstSentence(text: string): string {
  return /^.*?(?:[?!](?=\s|$)|\.(?=\s|$)|\n|$)/su.exec(text)?.[0] ?? '';
}

/** Free of Markdown and control characters, at most `limit` UTF-16 units, cut between words. */
function plain(text: string, limit: number): string {
  const words = text
    .replace(/[^\p{L}\p{M}\p{N}\s'’,.?!+×÷=%-]/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();
  if (words.length <= limit) return words;
  const cut = words.slice(0, limit);
  return cut.slice(0, Math.max(cut.lastIndexOf(' '), limit / 3)).toWellFormed();
}
