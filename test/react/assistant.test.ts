/** The assistant as people use it, in a real browser against the real relay. */
import { readFile } from 'node:fs/promises';
import type { BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { type PageServer, servePage } from './react-page.ts';

const SOON = { timeout: 15_000 };
const PACE = { firstTokenMs: 100, deltasPerSecond: 60 } as const;
/** Of answers that are under way together: the first is not over before the last is asked, on a busy machine either. */
const SLOW_PACE = { firstTokenMs: 100, deltasPerSecond: 15 } as const;
/** Is not over before it is stopped. */
const UNENDING = {
  deltas: Array.from({ length: 3000 }, (_, at) => `word-${at} `),
  pace: { firstTokenMs: 100, deltasPerSecond: 60 },
} as const;
const WORDS = Array.from({ length: 90 }, (_, at) => `word-${at} `);
const TEXT = WORDS.join('').trim();

let pages: PageServer;
let relay: TestRelay;
beforeAll(async () => {
  pages = await servePage('assistant', 'production');
  relay = await startTestRelay({ environment: { ALLOWED_ORIGINS: pages.origin } });
});
afterAll(async () => {
  await pages?.close();
  await relay?.close();
});
/** What a test that failed had not asked for yet is not the next one's. */
beforeEach(() => relay.simulator.script());

interface Assistant {
  readonly page: Page;
  /** The last answer. */
  readonly answer: Locator;
  readonly textbox: Locator;
  button(name: string | RegExp): Locator;
  ask(question: string): Promise<void>;
}

/** Each of its own user. */
async function openAssistant(
  context?: BrowserContextOptions,
  props: object = {},
  mayComplain?: RegExp,
  setting: object = {},
): Promise<Assistant> {
  const page = await pages.open(
    { url: relay.url, token: await relay.token(crypto.randomUUID()), props, ...setting },
    context,
    mayComplain,
  );
  const textbox = page.getByRole('textbox', { name: 'Ask Dash' });
  return {
    page,
    textbox,
    answer: page.getByRole('group', { name: 'Dash' }).last(),
    button: (name) => page.getByRole('button', { name, exact: true }),
    async ask(question) {
      await textbox.fill(question);
      await page.getByRole('button', { name: 'Send' }).click();
    },
  };
}

it('hands its parameters to the action', async () => {
  const parameters = { language: 'zu', role: 'teacher' };
  const { page, ask } = await openAssistant({}, { parameters });
  const socket = page.waitForEvent('websocket');
  await ask('Hello');
  const isStart = ({ payload }: { readonly payload: string | Buffer }) => String(payload).includes('"start"');
  const { payload } = await (await socket).waitForEvent('framesent', isStart);
  expect(JSON.parse(String(payload))).toMatchObject({ action: 'general_assistance', parameters });
});

async function wordsOf(answer: Locator): Promise<string> {
  return (await answer.innerText()).split('\n')[0]?.replace('\u2060▍', '').trim() ?? '';
}

/** How long the answer was whenever it was drawn: `lengths`. */
const GROWTH = `
  globalThis.lengths = new Set();
  const answer = [...document.querySelectorAll('[role=group][aria-label=Dash]')].at(-1);
  new MutationObserver(() => lengths.add(answer.innerText.length)).observe(answer, {
    subtree: true, childList: true, characterData: true,
  });
`;

it('shows an answer as it grows, to its end', async () => {
  const { page, answer, ask, button } = await openAssistant();
  // Slow enough to be seen on a busy machine.
  relay.simulator.script({ deltas: WORDS, pace: { firstTokenMs: 1500, deltasPerSecond: 25 } });
  await ask('Count');
  await answer.getByText('Thinking…').waitFor();
  await answer.getByText('Writing…').waitFor();
  await page.evaluate(GROWTH); // each change of it, however seldom a busy machine lets this test look
  await button('Ask again').waitFor();
  expect(await page.evaluate<number>('lengths.size')).toBeGreaterThan(5);
  expect(await wordsOf(answer)).toBe(TEXT);
});

it('keeps what had arrived when it is stopped, stops the model, and asks again on request', async () => {
  const { answer, ask, button } = await openAssistant();
  relay.simulator.script(UNENDING);
  await ask('Count');
  await answer.getByText('word-9').waitFor();
  await button('Stop answering').click();
  await answer.getByText('You stopped this answer.').waitFor();
  expect(UNENDING.deltas.join('').startsWith(await wordsOf(answer))).toBe(true);
  expect(relay.simulator.stats.open).toBe(0);
  relay.simulator.script({ deltas: ['Afresh.'] });
  await button('Try again').click();
  await button('Ask again').waitFor();
  expect(await wordsOf(answer)).toBe('Afresh.');
  expect(await answer.page().getByRole('group', { name: 'You' }).count()).toBe(1);
});

it('answers three conversations at once and marks those nobody has seen', async () => {
  const { page, answer, ask, button } = await openAssistant();
  const conversations = page.getByRole('navigation', { name: 'Conversations' });
  for (const name of ['one', 'two', 'three']) {
    relay.simulator.script({ deltas: [`${name}: `, ...WORDS], pace: SLOW_PACE });
    if (name !== 'one') await button('New conversation').click();
    await ask(`Question ${name}`);
  }
  await expect.poll(() => conversations.getByText('Answering…').count(), SOON).toBe(3);
  await expect.poll(() => conversations.getByText('New answer').count(), SOON).toBe(2);
  for (const name of ['one', 'two', 'three']) {
    await conversations.getByRole('button', { name: new RegExp(`^Question ${name}`) }).click();
    await button('Ask again').waitFor();
    expect(await wordsOf(answer)).toBe(`${name}: ${TEXT}`);
  }
  expect(await conversations.getByText('New answer').count()).toBe(0);
});

it('forgets a conversation, and stops its answer; for a while that can be undone', async () => {
  const { page, answer, ask, button } = await openAssistant();
  relay.simulator.script(UNENDING);
  await ask('Forget me');
  await answer.getByText('word-2').waitFor();
  await forget('Forget me', button);
  await page.getByRole('heading', { name: 'What shall we work on?' }).waitFor();
  await expect.poll(() => relay.simulator.stats.open, SOON).toBe(0);
  expect(await page.evaluate('JSON.stringify({ ...sessionStorage })')).not.toContain('Forget me');
  await page.getByRole('status').getByText('“Forget me” was deleted.').waitFor();
  await button('Undo').click();
  await answer.getByText('You stopped this answer.').waitFor();
  expect(await wordsOf(answer)).toContain('word-2');
  await button('Go on').waitFor();
  expect(await page.evaluate('JSON.stringify({ ...sessionStorage })')).toContain('Forget me');
});

it('edits a question, shows the versions of what was asked and answered, and goes on, with the keyboard alone', async () => {
  const { page, answer, textbox, ask, button } = await openAssistant();
  const questions = page.getByRole('group', { name: 'You' });
  const focusedName = () =>
    page.evaluate('document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent');
  const said = async (text: string) => {
    await answer.getByText(text, { exact: true }).waitFor();
    await button('Ask again').waitFor();
  };
  relay.simulator.script({ deltas: ['First.'] });
  await ask('What is lihgt?');
  await said('First.');
  await tabTo(page, 'Change the question');
  await page.keyboard.press('Enter');
  expect(await focusedName()).toBe('Your question');
  await page.keyboard.press('Escape');
  expect(await focusedName()).toBe('Change the question');
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Your question' }).fill('What is light?');
  relay.simulator.script({ deltas: ['Second.'] });
  await page.keyboard.press('Enter');
  expect(await focusedName()).toBe('Ask Dash');
  await said('Second.');
  expect(await questions.allInnerTexts()).toEqual(['What is light?\n2/2\nVersion 2/2']);
  expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('What is light?');

  relay.simulator.script(UNENDING);
  await tabTo(page, 'Ask again');
  await page.keyboard.press('Enter');
  await answer.getByText('word-3').waitFor();
  await page.keyboard.press('Escape');
  await answer.getByText('You stopped this answer.').waitFor();
  relay.simulator.script({ deltas: ['The rest.'] });
  await tabTo(page, 'Go on');
  await page.keyboard.press('Enter');
  await said('The rest.');
  expect(await page.getByText('Continued', { exact: true }).count()).toBe(1);

  const versions = page.getByRole('group', { name: /^Version/ });
  await versions.nth(1).getByRole('button', { name: 'Next version' }).focus(); // of the answer: after the last comes the first
  await page.keyboard.press('Enter');
  await said('Second.');
  expect(await focusedName()).toBe('Next version');
  await versions.nth(0).getByRole('button', { name: 'Previous version' }).focus();
  await page.keyboard.press('Enter');
  await said('First.');
  expect(await focusedName()).toBe('Previous version');
  await page.reload();
  await said('First.');
  expect(await questions.allInnerTexts()).toEqual(['What is lihgt?\n1/2\nVersion 1/2']);
  expect(await textbox.inputValue()).toBe('');
});

it('names, finds, saves and deletes conversations from the list, with the keyboard alone', async () => {
  const { page, ask, button } = await openAssistant();
  const list = page.getByRole('navigation', { name: 'Conversations' });
  const entries = list.locator('[data-dash-entry]');
  const focusedName = () =>
    page.evaluate('document.activeElement.getAttribute("aria-label") ?? document.activeElement.innerText');
  for (const [question, text] of [
    ['Photosynthèse', 'Sugar.'],
    ['Fractions', 'Halves.'],
    ['Fractions', 'Quarters.'],
  ] as const) {
    if (question !== 'Photosynthèse') await button('New conversation').click();
    relay.simulator.script({ deltas: [text] });
    await ask(question);
    await button('Ask again').waitFor();
  }
  const [latest, second, oldest] = await entries.allInnerTexts();
  expect(new Set([latest, second]).size).toBe(2); // though their titles are the same
  expect(await list.getByRole('heading', { level: 3 }).allInnerTexts()).toEqual(['Today']);

  await entries.first().focus();
  await page.keyboard.press('ArrowDown');
  expect(await focusedName()).toBe(second);
  await page.keyboard.press('End');
  expect(await focusedName()).toBe(oldest);
  await page.keyboard.press('Tab');
  expect(await focusedName()).toBe('More for “Photosynthèse”');
  await page.keyboard.press('Enter');
  expect(await button('More for “Photosynthèse”').getAttribute('aria-expanded')).toBe('true');
  await page.keyboard.press('Escape');
  expect(await focusedName()).toBe('More for “Photosynthèse”');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter'); // Rename
  expect(await focusedName()).toBe('Name of the conversation');
  await page.keyboard.press('Escape');
  expect(await focusedName()).toBe('More for “Photosynthèse”');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.evaluate('String(getSelection())')).toBe('Photosynthèse'); // a turn later
  await page.keyboard.type('Green'); // instead of it
  await page.keyboard.press('Enter');
  expect(await focusedName()).toBe('More for “Green”');

  const search = page.getByRole('searchbox', { name: 'Search conversations' });
  await search.fill('SUGAR');
  await list.getByRole('status').getByText('1 conversation found').waitFor();
  expect(await entries.allInnerTexts()).toEqual([expect.stringMatching(/^Green\n.*sugar/i)]);
  await search.fill('nowhere');
  await list.getByRole('status').getByText('Nothing found').waitFor();
  await page.keyboard.press('Escape');
  expect(await entries.count()).toBe(3);

  await button('More for “Green”').click();
  const saving = page.waitForEvent('download');
  await button('Save as a file').click();
  const file = await saving;
  expect(file.suggestedFilename()).toBe('Green.md');
  const written = await readFile(await file.path(), 'utf8');
  expect(written).toBe('# Green\n\n**You:**\n\n> Photosynthèse\n\n**Dash:**\n\nSugar.\n');

  await button('Delete “Green”').focus();
  await page.keyboard.press('Enter'); // another one is shown: that stays
  await page.getByRole('status').getByText('“Green” was deleted.').waitFor();
  expect(await focusedName()).toBe('Undo');
  expect(await entries.count()).toBe(2);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Green' }).waitFor();
  expect(await entries.count()).toBe(3);
});

it('prints the conversation whole, and nothing else of the page', async () => {
  const { page, ask, button } = await openAssistant({ colorScheme: 'dark' });
  await page.evaluate(`
    window.onPaper = undefined;
    window.print = () => { window.onPaper = document.querySelector('[aria-label=Messages]').innerText; };
    document.body.append(Object.assign(document.createElement('p'), { textContent: 'Of the app' }));
  `);
  relay.simulator.script({ deltas: ['**Half** of it.\n\n', '```js\nconst x = 1;\n```'] });
  await ask('Print me');
  await button('Ask again').waitFor();
  await button('More for “Print me”').click();
  await button('Print or save as PDF').click();
  await expect.poll(() => page.evaluate('onPaper'), SOON).toContain('const x = 1;');
  await page.emulateMedia({ media: 'print' });
  const seen = (await page.evaluate<string>('document.body.innerText'))
    .split('\n')
    .filter((line) => line !== '');
  expect(seen).toEqual([
    'Print me',
    'Print me',
    'Half of it.',
    'js',
    'const x = 1;',
    expect.stringMatching(/AI/),
  ]);
  const colour = await page.evaluate(
    `getComputedStyle(Array.from(document.querySelectorAll('span')).find(({ innerText }) => innerText === 'Half')).color`,
  );
  expect(colour).toBe('rgb(0, 0, 0)');
});

it('prints a long conversation whole by the command of the browser too, and is as it was afterwards', async () => {
  const { page, answer, ask, button } = await openAssistant();
  relay.simulator.script({ deltas: ['Answered.'] });
  await ask('Ask 0.');
  await button('Ask again').waitFor();
  await page.addInitScript(LENGTHENED);
  await page.reload();
  await answer.getByText('Answered 59.').waitFor();
  const read = `${MESSAGES}.innerText`;
  expect(await page.evaluate(read)).not.toContain('Ask 3.');
  // Heard after the assistant has.
  await page.evaluate(`addEventListener('beforeprint', () => { window.onPaper = ${read}; })`);
  const pdf = await page.pdf();
  expect(pdf.toString('latin1').match(/\/Type \/Page\b/g)?.length).toBeGreaterThan(15);
  const paper = await page.evaluate<string>('onPaper');
  const wanted = [
    ...Array.from({ length: 60 }, (_, at) => `Ask ${at}.`),
    ...Array.from({ length: 600 }, (_, at) => `line-${at}.`),
  ];
  expect(wanted.filter((each) => !paper.includes(each))).toEqual([]);
  await button('Show earlier messages').waitFor({ state: 'attached' });
  expect(await page.evaluate(read)).not.toContain('Ask 3.');
  await expect.poll(() => page.evaluate<number>(FROM_END), SOON).toBeLessThan(2);
});

/** As if sixty questions had been kept, the first with a list too long to be drawn at once. */
const LENGTHENED = `(() => {
  for (const [name, kept] of Object.entries(sessionStorage)) {
    const all = JSON.parse(kept);
    const [conversation] = all.conversations;
    const [question, answer] = conversation.messages;
    if (question.content !== 'Ask 0.' || conversation.messages.length > 2) continue;
    const list = Array.from({ length: 600 }, (_, at) => '- line-' + at + '.').join('\\n');
    conversation.messages = Array.from({ length: 60 }, (_, at) => [
      { ...question, id: 'q' + at, content: 'Ask ' + at + '.' },
      { ...answer, id: 'a' + at, content: (at === 1 ? list + '\\n\\n' : '') + 'Answered ' + at + '.' },
    ]).flat();
    delete conversation.parents;
    sessionStorage[name] = JSON.stringify(all);
  }
})()`;

it('reads an answer aloud, and stops where it is asked to', async () => {
  const { page, ask, button } = await openAssistant();
  await page.evaluate(`
    window.said = [];
    window.speechSynthesis.speak = ({ text, lang }) => said.push([text, lang]);
    window.speechSynthesis.cancel = () => said.push('silence');
  `);
  relay.simulator.script({ deltas: ['It **bends**.'] });
  await ask('What does light do?');
  await button('Read aloud').click();
  await button('Stop reading').click();
  await button('Read aloud').waitFor();
  expect(await page.evaluate('said')).toEqual(['silence', ['It bends.', 'en'], 'silence']);
});

async function forget(title: string, button: Assistant['button']): Promise<void> {
  await button(`More for “${title}”`).click();
  await button(`Delete “${title}”`).click();
}

it('takes an answer up again after the page was reloaded midway, by one call of the model', async () => {
  const { page, answer, ask, button } = await openAssistant();
  const calls = relay.simulator.requests.length;
  relay.simulator.script({ deltas: WORDS, pace: PACE });
  await ask('Count');
  await answer.getByText('word-9').waitFor();
  await page.reload();
  await answer.getByText('word-9').waitFor();
  expect(await page.getByRole('group', { name: 'You' }).innerText()).toBe('Count');
  await button('Ask again').waitFor();
  expect(await wordsOf(answer)).toBe(TEXT);
  expect(relay.simulator.requests).toHaveLength(calls + 1);
});

it('keeps what is typed in each conversation, also over a reload', async () => {
  const { page, answer, textbox, ask, button } = await openAssistant();
  relay.simulator.script({ deltas: ['One.'] });
  await ask('First');
  await button('Ask again').waitFor();
  await textbox.fill('more of it');
  await button('New conversation').click();
  expect(await textbox.inputValue()).toBe('');
  expect(await page.evaluate('document.activeElement.tagName')).toBe('TEXTAREA');
  await textbox.fill('something new');
  await page.getByRole('button', { name: /^First/ }).click();
  await answer.getByText('One.').waitFor();
  expect(await textbox.inputValue()).toBe('more of it');
  await button('New conversation').click();
  expect(await textbox.inputValue()).toBe('something new');
  await expect.poll(() => page.evaluate('JSON.stringify({ ...sessionStorage })')).toContain('something new');
  await page.reload();
  await expect.poll(() => textbox.inputValue()).toBe('something new');
  await page.getByRole('button', { name: /^First/ }).click();
  expect(await textbox.inputValue()).toBe('more of it');
});

it('turns to what was looked at once a slow storage answers, with what was typed meanwhile', async () => {
  const { page, answer, textbox, ask, button } = await openAssistant({}, {}, undefined, { storage: 'late' });
  await page.evaluate('answerStorage()');
  relay.simulator.script({ deltas: ['One.'] });
  await ask('First');
  await button('Ask again').waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'What shall we work on?' }).waitFor();
  await textbox.fill('and the sec');
  await page.evaluate('answerStorage()');
  await answer.getByText('One.').waitFor();
  await page.keyboard.type('ond?'); // where the caret was
  expect(await textbox.inputValue()).toBe('and the second?');
});

it('works where the browser forbids to keep anything', async () => {
  const { answer, ask, button } = await openAssistant({}, {}, undefined, { storage: 'forbidden' });
  relay.simulator.script({ deltas: ['One.'] });
  await ask('First');
  await button('Ask again').waitFor();
  expect(await wordsOf(answer)).toBe('One.');
});

it('shows in each of two tabs what is asked in the other, as it is answered', async () => {
  const { page, answer, ask } = await openAssistant({}, {}, undefined, { storage: 'shared' });
  const other = await page.context().newPage();
  await other.goto(page.url());
  await other.getByRole('textbox').waitFor();
  const { aborted, served } = relay.simulator.stats;
  relay.simulator.script(UNENDING);
  await ask('First');
  await answer.getByText('word-9').waitFor();
  await other.getByRole('button', { name: /^First/ }).click();
  await other.getByText('word-30 ').waitFor();
  await other.getByRole('button', { name: 'Stop answering' }).click();
  await page.getByText('You stopped this answer.').waitFor();
  await other.getByText('You stopped this answer.').waitFor();
  expect(relay.simulator.stats).toMatchObject({ open: 0, aborted: aborted + 1, served });
});

it('is used with the keyboard alone', async () => {
  const { page, answer, textbox, button } = await openAssistant();
  relay.simulator.script(UNENDING);
  await expect.poll(() => page.evaluate('document.activeElement.tagName')).toBe('TEXTAREA');
  await page.keyboard.type('First line');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('second line');
  await page.keyboard.press('Enter');
  expect(await page.getByRole('group', { name: 'You' }).innerText()).toBe('First line\nsecond line');
  expect(await textbox.inputValue()).toBe('');
  await answer.getByText('word-5').waitFor();
  await page.keyboard.press('Escape');
  await button('Try again').waitFor();
  relay.simulator.script({ deltas: ['See [the page](https://example.org/x).'] });
  await tabTo(page, 'Try again');
  await page.keyboard.press('Enter');
  await button('Ask again').waitFor();
  await tabTo(page, 'the page');
  expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).not.toBe('none');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Open this link?' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await page.evaluate('document.activeElement.textContent')).toBe('the page');
});

/** Presses Tab or Shift+Tab until the element of that name has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let i = 0; i < 20; i += 1) {
    await page.keyboard.press('Shift+Tab');
    const focused = await page.evaluate(
      'document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent',
    );
    if (focused === name) return;
  }
  throw new Error(`the keyboard does not reach ${name}`);
}

it('shows where a link leads before it opens, and makes nothing else of what a model wrote', async () => {
  const { page, answer, ask, button } = await openAssistant();
  const requested: string[] = [];
  page.on('request', (request) => requested.push(request.url()));
  await page.context().route('https://evil.example/**', (route) => route.fulfill({ body: 'there' }));
  const hostile =
    'Look: <img src="https://evil.example/a" onerror="alert(1)"> <script>1</script> ' +
    '[run](javascript:alert(1)) ![seen](https://evil.example/b.png) [https://school.org](https://evil.example/login)';
  relay.simulator.script({ deltas: [hostile] });
  await ask('<b>Be hostile</b>');
  await button('Ask again').waitFor();
  expect(await answer.locator('img, script, a').count()).toBe(0);
  expect(await answer.getByRole('link').allInnerTexts()).toEqual(['Image: seen', 'https://school.org']);
  expect(await page.getByRole('group', { name: 'You' }).innerText()).toBe('<b>Be hostile</b>');
  await answer.getByRole('link', { name: 'https://school.org' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('https://evil.example/login', { exact: true }).waitFor();
  await dialog.getByText('It leads to evil.example').waitFor();
  expect(requested.filter((url) => url.includes('evil'))).toEqual([]);
  const [opened] = await Promise.all([page.context().waitForEvent('page'), button('Open link').click()]);
  await opened.waitForLoadState();
  expect(opened.url()).toBe('https://evil.example/login');
});

it.each([
  ['quotes', '> '.repeat(600)],
  ['bullets', '- '.repeat(600)],
  ['numbers', '1. '.repeat(600)],
  ['all of these', '> - 1. '.repeat(200)],
])('shows an answer of nested %s, also after a reload, and forgets it', async (_what, nested) => {
  const { page, answer, ask, button } = await openAssistant();
  relay.simulator.script({ deltas: nested.match(/.{1,40}/g)?.concat('deep') ?? [], pace: PACE });
  await ask('Nest');
  await button('Ask again').waitFor();
  await answer.getByText('deep').waitFor();
  await page.reload();
  await answer.getByText('deep').waitFor();
  expect(await page.getByRole('navigation').getByText('Nest').count()).toBe(1);
  await forget('Nest', button);
  await page.getByRole('heading', { name: 'What shall we work on?' }).waitFor();
});

it('shows the words of an answer that it cannot draw, and goes on', async () => {
  const { page, answer, ask, button } = await openAssistant({}, {}, /unable to draw/);
  await page.evaluate(`
    const { replaceAll } = String.prototype;
    String.prototype.replaceAll = function (...of) {
      if (this.startsWith('**Broken**')) throw new Error('unable to draw');
      return replaceAll.apply(this, of);
    };
  `);
  relay.simulator.script({ deltas: ['**Broken** but ', 'legible'] });
  await ask('Break');
  await button('Ask again').waitFor();
  expect(await wordsOf(answer)).toBe('**Broken** but legible');
  await button('Copy answer').waitFor();
  relay.simulator.script({ deltas: ['**Fine** again'] });
  await ask('And now?');
  await answer.getByText('Fine').waitFor();
  expect(await wordsOf(answer)).toBe('Fine again');
});

it('says of an answer without words that there is none', async () => {
  const { page, answer, ask, button } = await openAssistant();
  relay.simulator.script({ deltas: [' \n'] });
  await ask('Be silent');
  await answer.getByText('Dash gave no answer. Ask again, or ask in other words.').waitFor();
  await page.getByRole('status').getByText('Dash gave no answer.').waitFor();
  expect(await button('Ask again').isVisible()).toBe(true);
  expect(await button('Copy answer').count()).toBe(0);
});

it('says on a page that is not admitted what is to be listed where', async () => {
  const closed = await startTestRelay();
  onTestFinished(() => closed.close());
  const url = closed.url;
  const token = await closed.token(crypto.randomUUID());
  const { answer, ask, button } = await openAssistant({}, {}, /CORS|403|ERR_FAILED/, { url, token });
  await ask('Why?');
  await answer.getByText(`Add ${pages.origin} to ALLOWED_ORIGINS of the relay`).waitFor();
  expect(await button('Try again').count()).toBe(0);
});

/** The element that scrolls. */
const MESSAGES = 'document.querySelector("[aria-label=Messages]")';
const FROM_END = `(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight)(${MESSAGES})`;
/** Resolves with where the transcript has come to rest: text that arrived meanwhile has not moved it. */
const RESTED = `new Promise((resolve) => {
  const messages = ${MESSAGES};
  let { scrollTop, scrollHeight } = messages;
  const look = () => {
    if (messages.scrollTop !== scrollTop) ({ scrollTop, scrollHeight } = messages);
    if (messages.scrollHeight > scrollHeight + 200) resolve(scrollTop);
    else requestAnimationFrame(look);
  };
  look();
})`;

const paragraphs = Array.from({ length: 900 }, (_, at) => `word-${at}\n\n`);
const BACK_DOWN = /^(Jump to latest|New text below)$/;
const wheel = (distance: number) => (page: Page) => page.mouse.wheel(0, distance);
const press = (key: string) => async (page: Page) => {
  await page.getByRole('region', { name: 'Messages' }).focus();
  await page.keyboard.press(key);
};

it.each([
  ['far, by the wheel', wheel(-400)],
  ['a little, by the wheel', wheel(-12)],
  ['by the arrow key', press('ArrowUp')],
  ['by a page', press('PageUp')],
] as const)(
  'keeps the end in sight until somebody scrolls up, and leads back: %s',
  async (_how, scrollUp) => {
    const { page, answer, ask, button } = await openAssistant({ viewport: { width: 390, height: 500 } });
    relay.simulator.script({ deltas: paragraphs, pace: PACE });
    await ask('Count');
    const read = (what: string) => page.evaluate<number>(`(({ ${what} }) => ${what})(${MESSAGES})`);
    const fromEnd = () => page.evaluate<number>(FROM_END);
    await expect.poll(() => read('scrollTop'), SOON).toBeGreaterThan(500);
    await expect.poll(fromEnd, SOON).toBeLessThan(2);
    await page.getByRole('region', { name: 'Messages' }).hover();
    await scrollUp(page);
    await button(BACK_DOWN).waitFor();
    const rested = await page.evaluate<number>(RESTED);
    const height = await read('scrollHeight');
    await expect.poll(() => read('scrollHeight'), SOON).toBeGreaterThan(height + 800);
    expect(await read('scrollTop')).toBe(rested);
    await button('New text below').click();
    await button(BACK_DOWN).waitFor({ state: 'detached' });
    await expect.poll(fromEnd, SOON).toBeLessThan(2);
    await button('Stop answering').click();
    await answer.getByText('You stopped this answer.').waitFor();
    await expect.poll(fromEnd, SOON).toBeLessThan(2);
  },
);

it('leaves a selection, and where the keyboard has led to, in place while text arrives', async () => {
  const { page, answer, ask, button } = await openAssistant({ viewport: { width: 390, height: 500 } });
  relay.simulator.script({
    deltas: [
      'See [a page](https://example.org/).\n\n',
      ...Array.from({ length: 2000 }, (_, at) => `word-${at} `),
    ],
    pace: { firstTokenMs: 50, deltasPerSecond: 40 },
  });
  await ask('Count');
  const read = (what: string) => page.evaluate<number>(`(({ ${what} }) => ${what})(${MESSAGES})`);
  const link = answer.getByRole('link', { name: 'a page' });
  await link.focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Shift+Tab'); // by the keyboard: the ring is shown
  const top = await link.boundingBox();
  await button('New text below').waitFor();
  const grown = await read('scrollHeight');
  await expect.poll(() => read('scrollHeight'), SOON).toBeGreaterThan(grown + 30);
  expect(await link.boundingBox()).toEqual(top);

  await button('New text below').click();
  await answer.getByText('word-12').waitFor();
  await page.evaluate(`
    const walker = document.createTreeWalker(document.querySelector('[aria-busy=true]'), NodeFilter.SHOW_TEXT);
    while (walker.nextNode() && !walker.currentNode.data.includes('word-3 '));
    const start = walker.currentNode.data.indexOf('word-3 ');
    // Text comes before the browser has told of the selection, as on a busy machine.
    window.late = (event) => event.stopImmediatePropagation();
    addEventListener('selectionchange', late, true);
    getSelection().setBaseAndExtent(walker.currentNode, start, walker.currentNode, start + 6);
  `);
  const arrived = () =>
    page.evaluate<number>(`JSON.stringify({ ...sessionStorage }).match(/word-/g)?.length ?? 0`);
  const before = await arrived();
  await expect.poll(arrived, SOON).toBeGreaterThan(before + 60);
  expect(await page.evaluate('String(getSelection())')).toBe('word-3');
  const height = await read('scrollHeight');
  await page.evaluate('removeEventListener("selectionchange", late, true); getSelection().removeAllRanges()');
  await expect.poll(() => read('scrollHeight'), SOON).toBeGreaterThan(height); // it has caught up
  await button('Stop answering').click();
});

it('does not send what an input method is still composing', async () => {
  const { page, textbox, ask, answer, button } = await openAssistant();
  // It must not end before it is stopped, on a busy machine either.
  relay.simulator.script({ deltas: WORDS, pace: { firstTokenMs: 100, deltasPerSecond: 8 } });
  await textbox.fill('かんじ');
  const pressed = (key: string, init: object) =>
    textbox.evaluate(
      (element, [name, more]) => {
        const { KeyboardEvent } = globalThis as unknown as {
          KeyboardEvent: new (...of: unknown[]) => object;
        };
        const event = new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true, ...more });
        (element as unknown as { dispatchEvent(event: object): void }).dispatchEvent(event);
      },
      [key, init] as const,
    );
  await pressed('Enter', { keyCode: 229 }); // Safari: the composition has ended, the key belongs to it
  await pressed('Enter', { keyCode: 13, isComposing: true });
  expect(await textbox.inputValue()).toBe('かんじ');
  await ask('漢字');
  await answer.getByText('word-9').waitFor();
  await textbox.fill('か');
  await pressed('Escape', { keyCode: 229 });
  expect(await button('Stop answering').isVisible()).toBe(true);
  expect(await page.getByRole('group', { name: 'You' }).allInnerTexts()).toEqual(['漢字']);
  await pressed('Escape', { keyCode: 27 });
  await answer.getByText('You stopped this answer.').waitFor();
});

it('speaks to screen readers in sentences and states, not in deltas', async () => {
  const { page, ask, button } = await openAssistant();
  await page.evaluate(`
    window.spoken = [];
    const region = [...document.querySelectorAll('[role=status][aria-live=polite]')].at(-1);
    new MutationObserver(() => spoken.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true });
  `);
  relay.simulator.script({ deltas: [...WORDS, '**end**.'], pace: { ...PACE, firstTokenMs: 300 } });
  await ask('Count');
  await button('Ask again').waitFor();
  expect(await page.evaluate('spoken')).toEqual(['Dash is thinking.', `${TEXT} end. Dash has answered.`]);
});

it('moves nothing for those who want no motion', async () => {
  const { page, ask } = await openAssistant({ reducedMotion: 'reduce' });
  relay.simulator.script({ deltas: ['x'], pace: { firstTokenMs: 3000, deltasPerSecond: 1 } });
  await ask('Wait');
  await page.getByRole('status').getByText('Dash is thinking.').waitFor();
  await page.evaluate(`
    window.changes = 0;
    new MutationObserver((all) => { changes += all.length; }).observe(document.getElementById('root'), { subtree: true, attributes: true, childList: true });
  `);
  await page.waitForTimeout(800); // long enough for three blinks
  expect(await page.evaluate('changes')).toBe(0);
});
