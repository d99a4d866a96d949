/**
 * One whole conversation by the keyboard alone, as it is heard by somebody who sees nothing of it. What is expected stands beside
 * this file, to be read: `npm test -- test/react/whole-conversation.test.ts -u` writes it anew.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FakeClient } from './fake-client.ts';
import { type PageServer, servePage } from './react-page.ts';
import { listenTo } from './spoken.ts';

/** Of the page: test/react/page/states.tsx. */
interface Stage {
  readonly fakeClient: FakeClient;
  showState(state: string, locale: string, scheme: 'light' | 'dark'): Promise<void>;
  whenStill(): Promise<void>;
}

/** Longer than between two announcements, ms. */
const A_WHILE = 5000;
const FIRST = 'Sunlight is made of **many colours**. Air bends the blue ones most, beca';
const REST = `use they swing faster:

$$f = \\frac{c}{\\lambda}$$

| colour | nm |
|---|---|
| blue | 450 |
| red | 700 |

- [x] light
- [ ] air

\`\`\`python
print(3e8 / 450e-9)
\`\`\``;
const AT_NIGHT = 'At night the [Sun](https://example.org/sun) is on the other side.';
const WORKED = 'Take 7 from both sides, so $3x = 15$.';
const PHOTO = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

let pages: PageServer;
beforeAll(async () => {
  pages = await servePage('states', 'production');
});
afterAll(() => pages?.close());

type Act = (client: FakeClient, text: string) => unknown;

/** `act` with the client of the page, and then until what it changed is drawn. */
async function tell(page: Page, act: Act, text = ''): Promise<void> {
  await page.evaluate(`(${String(act)})(fakeClient, ${JSON.stringify(text)})`);
  await page.evaluate('whenStill()');
}

const ANSWER: Act = (client, text) => client.latest.accept().say(text).end();

it('can be had by the keyboard alone, and is told to whoever does not see it', async () => {
  const page = await pages.open({}, { locale: 'en-GB', timezoneId: 'Africa/Johannesburg' });
  await page.clock.install({ time: new Date('2026-11-30T08:15:00Z') });
  await page.evaluate(() => (globalThis as unknown as Stage).showState('welcome', 'en', 'light'));
  const { heard, focused, tabTo, read } = await listenTo(page);
  const lines: string[] = [];
  const chooser = page.waitForEvent('filechooser', { timeout: 150_000 }); // early: it takes a while until it is caught
  const note = async (title: string, steps: () => Promise<readonly string[]>): Promise<void> => {
    lines.push('', `## ${title}`, ...(await steps()));
  };
  const still = () => page.evaluate('whenStill()');
  const press = async (key: string): Promise<string[]> => {
    await page.keyboard.press(key);
    await still();
    return [`[${key}]`, ...(await heard()), `focus: ${await focused()}`];
  };
  const type = async (text: string): Promise<string> => {
    await page.keyboard.type(text);
    return `types: ${text}`;
  };
  const told = async (act: Act, text?: string): Promise<string[]> => {
    await tell(page, act, text);
    return await heard();
  };

  await note('Opens', async () => [await focused()]);
  await note('Asks', async () => [
    await type('Why is the sky blue?'),
    ...(await press('Enter')),
    ...(await told((client) => client.latest.accept())),
  ]);
  await note('Hears sentences as they come, and stops', async () => {
    const begun = await told((client, text) => client.latest.say(...text.split(/(?<= )/)), FIRST);
    await page.clock.runFor(A_WHILE);
    const said = [...begun, ...(await heard())];
    const stop = await tabTo('button “Stop answering”');
    return [
      ...said,
      stop,
      ...(await press('Enter')),
      ...(await told((client) => client.latest.end('cancelled'))),
    ];
  });
  await note('Goes on: a formula, a table, tasks and code', async () => [
    await tabTo('button “Go on”', true),
    ...(await press('Enter')),
    ...(await told(ANSWER, REST)),
  ]);
  await note('Reads it', async () => {
    await page.locator('.katex').waitFor();
    return await read('region', 'Messages');
  });
  await note('Changes the question', async () => [
    await tabTo('button “Change the question”', true),
    ...(await press('Enter')),
    await type(' At night?'),
    ...(await press('Enter')),
    ...(await told(ANSWER, AT_NIGHT)),
  ]);
  await note('Looks at the older one, and back', async () => [
    await tabTo('button “Previous', true),
    ...(await press('Enter')),
    await tabTo('button “Next'),
    ...(await press('Enter')),
  ]);
  await note('Asks about a photo', async () => {
    const clip = await tabTo('button “Add a photo');
    await page.evaluate(() => {
      const { fakeClient: client } = globalThis as unknown as Stage;
      const upload = { id: 'upload-1', mediaType: 'image/png', bytes: 70, expiresAt: 2_000_000_000_000 };
      client.request = async () => ({ response: Response.json(upload, { status: 201 }) });
    });
    const opened = await press('Enter');
    await (await chooser).setFiles([{ name: 'homework.png', mimeType: 'image/png', buffer: PHOTO }]);
    await page.getByText('Ready').waitFor();
    await still();
    const said = await heard();
    const about = await tabTo('textbox “', true);
    const described = await type('Number 3');
    const box = await tabTo('textbox “Ask Dash');
    const asked = [
      await type('How do I solve it?'),
      ...(await press('Enter')),
      ...(await told(ANSWER, WORKED)),
    ];
    return [clip, ...opened, ...said, about, described, box, ...asked];
  });
  await note('Reports the answer', async () => {
    await page.evaluate(() => {
      const { fakeClient: client } = globalThis as unknown as Stage;
      client.request = async () => ({ response: new Response(null, { status: 204 }) });
    });
    return [
      await tabTo('button “Report', true),
      ...(await press('Enter')),
      ...(await press('ArrowDown')),
      await tabTo('checkbox'),
      ...(await press('Space')),
      await tabTo('button “Send'),
      ...(await press('Enter')),
      ...(await press('Enter')),
    ];
  });
  await note('Finds it', async () => {
    const field = await tabTo('searchbox', true);
    const typed = await type('sky');
    await still();
    return [field, typed, ...(await heard()), ...(await press('Escape'))];
  });
  await note('Names it', async () => [
    await tabTo('button “More'),
    ...(await press('Enter')),
    await tabTo('button “Rename'),
    ...(await press('Enter')),
    await type('The sky'),
    ...(await press('Enter')),
  ]);
  await note('Saves it', async () => {
    const opened = await press('Enter');
    const save = await tabTo('button “Save');
    const download = page.waitForEvent('download');
    const saved = await press('Enter');
    return [...opened, save, ...saved, `a file: ${(await download).suggestedFilename()}`];
  });
  await note('Deletes it, and has it back', async () => [
    await tabTo('button “Delete'),
    ...(await press('Enter')),
    ...(await press('Enter')),
  ]);
  await note('Reads the list', async () => await read('navigation', 'Conversations'));

  const all = [
    'One whole conversation by the keyboard alone. In brackets what is pressed; “says”: what a screen reader reads out by itself.',
    ...lines,
  ];
  await expect(`${all.join('\n')}\n`).toMatchFileSnapshot('whole-conversation.transcript.txt');
}, 180_000);
