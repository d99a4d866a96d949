/** Feedback on a learner's text, from what can be counted in it: it makes no claim about the content. */
import type { Random } from '../random.ts';
import { bullets, paragraphs } from './markdown.ts';

export function gradeWork(work: string, random: Random): string {
  return work.split(/\s+/u).length < 4 ? askForWork() : feedback(work, random);
}

function askForWork(): string {
  return paragraphs(
    'Gladly! Paste the text after a colon, like this: `Grade this: Last summer we …`',
    'Tell me, if you can:',
    bullets([
      'the **task** the learner was given',
      'the **grade** or age',
      'what you want me to look at: content, structure, spelling, or all three',
    ]),
    'I will answer with what works, what to improve first, and a suggested mark. 📝',
  );
}

function feedback(work: string, random: Random): string {
  const words = work.split(/\s+/u).length;
  const sentences = work.split(/[.!?]+(?:\s|$)/u).filter((sentence) => sentence.trim() !== '').length;
  const perSentence = Math.round(words / sentences);
  const closed = /[.!?…”"]$/u.test(work);
  const small = /(?:^|[.!?]\s+)\p{Ll}|\bi\b/u.test(work);
  const linked = /\b(because|however|therefore|although|so that|first|then|finally)\b/iu.test(work);
  const marks = [linked ? 4 : 3, perSentence <= 22 ? 4 : 2, closed && !small ? 5 : 3] as const;
  return paragraphs(
    `Thank you for sharing it: **${words} words in ${sentences} ${sentences === 1 ? 'sentence' : 'sentences'}**, about ${perSentence} words each. 📝`,
    [
      '| criterion | mark | why |',
      '|---|---|---|',
      `| Ideas and links | ${marks[0]} / 5 | ${linked ? 'linking words guide the reader' : 'add *because*, *however*, *therefore*'} |`,
      `| Sentences | ${marks[1]} / 5 | ${perSentence <= 22 ? 'a length that reads easily' : 'split the longest one in two'} |`,
      `| Conventions | ${marks[2]} / 5 | ${small ? 'look at your capital letters' : closed ? 'capitals and full stops are in place' : 'end with a full stop'} |`,
    ].join('\n'),
    `**Suggested mark: ${marks[0] + marks[1] + marks[2]} / 15.** ${random.pick(['A solid start!', 'Good work so far!'])} Next step: read it aloud once, slowly; wherever you run out of breath, a full stop is missing.`,
  );
}
