/** One template for each task: a question's parts in, a Markdown answer of 60 to 350 tokens out. */
import type { Random } from '../random.ts';
import { gradeWork } from './grading.ts';
import { bullets, paragraphs } from './markdown.ts';
import type { Task } from './task.ts';
import { knownTopic, type Topic } from './topics.ts';
import { showWorking } from './working.ts';

type Of<Kind extends Task['kind']> = Extract<Task, { kind: Kind }>;

const OPENERS = [
  'Good question! 😊',
  'Happy to help!',
  "Let's take it step by step.",
  "Great, let's look at it together. ✨",
];
const CLOSERS = [
  'Would you like another example, or a few questions to practise?',
  'Shall we try one together?',
  'Tell me which part is still foggy, and I will put it another way.',
];
/** The honest ending of any answer that is not drawn from knowledge. */
const SIMULATED =
  '*This is the simulated model of a development server: it knows a few school topics by heart, and guides you on all others.*';

export const TEMPLATES: {
  readonly [Kind in Task['kind']]: (task: Of<Kind>, random: Random) => string;
} = {
  greeting: (_, random) =>
    paragraphs(
      `${random.pick(['Hello! 👋', 'Hi there! 🌟', 'Hello, and welcome! 😊'])} I am your study assistant.`,
      'Here are some things you could ask me:',
      bullets([
        '**Explain** a topic: *explain photosynthesis to a 10-year-old*',
        '**Plan** a lesson: *lesson plan about fractions for grade 4, 45 minutes*',
        '**Practise:** *quiz me on the solar system*',
        '**Calculate:** *what is 7 × 8?*',
        '**Get feedback:** *grade this: …* and then your text',
      ]),
      random.pick(['What shall we start with?', 'What are you working on today?']),
    ),

  thanks: (_, random) =>
    paragraphs(
      random.pick(["You're very welcome! 🎉", 'With pleasure! 😊', 'Glad it helped! 🌱']),
      'A small tip before you go: explain what you have just learned to somebody else in your own words, within a day. ' +
        'It takes two minutes, shows you at once what is still missing, and makes the rest stay much longer.',
      'I am here whenever the next question comes up.',
    ),

  showpiece: (_, random) => showPythagoras(random),

  arithmetic: ({ steps }, random) => showWorking(steps, random),

  explanation: ({ topic, question }, random) => {
    const known = knownTopic(topic);
    return known === undefined ? studyGuide(question, random) : explain(known, random);
  },

  'lesson-plan': ({ topic, grade, minutes }, random) => {
    const known = knownTopic(topic);
    const name = known?.name ?? topic;
    return paragraphs(
      `## Lesson plan: ${name}`,
      `**For:** ${grade ?? 'adapt to your class'} · **Time:** ${minutes} minutes · **Needed:** board, paper, coloured pencils`,
      '**By the end, learners can**',
      bullets([
        `say in their own words what ${name} ${/s$/u.test(name) ? 'are' : 'is'} about`,
        'give one example of their own',
        'explain one key idea to a partner',
      ]),
      timetable(minutes, known, random),
      `**Support:** word cards and a worked example. **Stretch:** learners write a quiz question about ${name} for the class.`,
      `**Exit ticket:** ${known === undefined ? 'one thing I learned, one thing I still wonder about.' : random.pick(known.questions)[0]} 🎯`,
    );
  },

  grading: ({ work }, random) => gradeWork(work, random),

  quiz: ({ topic }, random) => {
    const known = knownTopic(topic);
    if (known === undefined) return studyGuide(`Quiz: ${topic}`, random);
    return paragraphs(
      `Here is a short quiz on **${known.name}**. Cover the answers first! 🙈`,
      known.questions.map(([question], i) => `${i + 1}. ${question}`).join('\n'),
      '---',
      `**Answers:** ${known.questions.map(([, answer], i) => `(${i + 1}) ${answer}`).join(' · ')}`,
      'All correct? Then try to write a fourth question yourself: making questions is harder than answering them.',
    );
  },

  writing: ({ topic }, random) =>
    paragraphs(
      `**A little story about ${topic}** 📖`,
      `${random.pick(['Zoë', 'Thabo', 'Chloé', 'Jürgen'])} had walked past it every day and never looked twice. But on ${random.pick(['a rainy Tuesday', 'the last day of term', 'the longest afternoon of the year'])}, with nothing else to do, there it was: ${topic}.`,
      '“What if I had asked about it sooner?” The question was so small that it fitted in a pocket, and so it came along: to school, to the shop, all the way home.',
      `By evening there were three more questions, one good answer, and a friend who wanted to know as well. And that is how most adventures begin: not with a map, but with *${random.pick(['why', 'how', 'what if'])}*.`,
      'Shall I make it longer, turn it into a poem, or change the ending?',
    ),
};

/** One fact in all that an answer can be made of: a formula, a list, code. */
function showPythagoras(random: Random): string {
  const [a, b, c] = random.pick([
    [3, 4, 5],
    [5, 12, 13],
    [8, 15, 17],
  ] as const);
  return paragraphs(
    'With pleasure! Here is the **theorem of Pythagoras**, three times.',
    'As a formula, where $a$ and $b$ meet at a right angle:',
    '$$c = \\sqrt{a^2 + b^2}$$',
    'As a list of what to do:',
    [
      `1. **Square** the short sides: ${a}² = ${a * a} and ${b}² = ${b * b}.`,
      `2. **Add** them: ${a * a} + ${b * b} = ${c * c}.`,
      `3. **Take the root:** the long side is ${c}.`,
    ].join('\n'),
    'And as code:',
    `\`\`\`python\nfrom math import sqrt\n\ndef long_side(a, b):\n    return sqrt(a * a + b * b)\n\nprint(long_side(${a}, ${b}))  # ${c}.0\n\`\`\``,
    'Now it is your turn. ✨',
  );
}

function explain(topic: Topic, random: Random): string {
  return paragraphs(
    `${random.pick(OPENERS)} ${topic.definition}`,
    '**The key ideas**',
    bullets(topic.ideas),
    '**For example**',
    topic.example,
    `**Check yourself:** ${random.pick(topic.questions)[0]}`,
    random.pick(CLOSERS),
  );
}

function studyGuide(question: string, random: Random): string {
  return paragraphs(
    `${random.pick(OPENERS)} You want to work on this: **“${question}”** Here is a way in:`,
    [
      '1. **Start with what you know.** Two sentences, as you would tell them to a friend.',
      '2. **Break it up.** Write down the two or three words that would have to be explained first.',
      '3. **Find one example** from your own day, and one thing that looks similar but is *not* an example.',
      '4. **Check it.** Compare with your textbook, and mend what does not match. ✏️',
    ].join('\n'),
    'Send me your first answer, however rough, and we will improve it together.',
    SIMULATED,
  );
}

function timetable(minutes: number, known: Topic | undefined, random: Random): string {
  const shares = [0.15, 0.25, 0.4, 0.2];
  const activities = [
    random.pick([
      '**Hook:** a picture or an object; what do you notice?',
      '**Hook:** think, pair, share: what do we know already?',
    ]),
    `**Teach:** ${known?.ideas[0] ?? 'one key idea, one worked example, three new words'}`,
    random.pick(['**Practise** in pairs, then four by four', '**Stations:** draw it, build it, explain it']),
    '**Share** and exit ticket',
  ];
  const rows = shares.map((share, i) => `| ${Math.round(minutes * share)} min | ${activities[i]} |`);
  return ['| time | what happens |', '|---|---|', ...rows].join('\n');
}
