/** Photos of homework in a real browser, against the real relay, to the model. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { violationsOf } from '../support/axe.ts';
import { pdf } from '../uploads/files.ts';
import { type RelayWithUploads, startRelayWithUploads } from '../uploads/relay-with-uploads.ts';
import { type PageServer, servePage } from './react-page.ts';

const SOON = { timeout: 30_000 };

let pages: PageServer;
let the: RelayWithUploads;
beforeAll(async () => {
  pages = await servePage('assistant', 'production');
  the = await startRelayWithUploads({ ALLOWED_ORIGINS: pages.origin });
});
afterAll(async () => {
  await pages?.close();
  await the?.close();
});

async function openPage(props: object = {}, context: object = {}, tier = 'enterprise') {
  const token = await the.relay.token(crypto.randomUUID(), { tier });
  const page = await pages.open(
    { url: the.relay.url, token, props },
    context,
    /Failed to load resource|unsafe header/,
  );
  await page.getByRole('textbox').waitFor();
  const press = (name: string | RegExp) => page.getByRole('button', { name, exact: true }).click();
  const add = async (name: string, mimeType: string, buffer: Buffer) => {
    const chooser = page.waitForEvent('filechooser');
    await press('Add a photo or file');
    await (await chooser).setFiles([{ name, mimeType, buffer }]);
  };
  return { page, press, add };
}

/**
 * `window.photo`: 12 megapixels as a camera held upright saves them. Stored lying on its side, red in the corner that is the
 * upper right one of the picture, with an EXIF that says so and where it was taken.
 */
const TAKE_PHOTO = `(async () => {
  const canvas = new OffscreenCanvas(4032, 3024);
  const context = canvas.getContext('2d');
  context.fillStyle = '#f2efe6';
  context.fillRect(0, 0, 4032, 3024);
  context.fillStyle = '#223';
  context.font = '90px serif';
  for (let y = 150; y < 3000; y += 130) context.fillText('3x + 7 = 22, show each step of your work. '.repeat(2) + y, 700, y);
  context.fillStyle = '#f00';
  context.fillRect(0, 0, 600, 600);
  const plain = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.92 })).arrayBuffer());
  const place = new TextEncoder().encode('26.2041 S 28.0473 E');
  const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, ...place];
  const exif = [69, 120, 105, 102, 0, 0, ...tiff];
  const segment = [0xff, 0xe1, 0, exif.length + 2, ...exif];
  const parts = [plain.slice(0, 2), new Uint8Array(segment), plain.slice(2)];
  window.photo = new File(parts, 'IMG_0001 Thandi.jpg', { type: 'image/jpeg' });
})()`;

/** An event as a browser makes it of files that are dragged or pasted over what is written in. */
const giveFiles = (page: Page, event: string, field: string, files: string, text = '') =>
  page.evaluate(`(() => {
    const data = new DataTransfer();
    for (const file of ${files}) data.items.add(file);
    if (${JSON.stringify(text)}) data.setData('text/plain', ${JSON.stringify(text)});
    const how = { ${field}: data, bubbles: true, cancelable: true };
    document.querySelector('textarea').dispatchEvent(new ${event.startsWith('drag') || event === 'drop' ? 'Drag' : 'Clipboard'}Event('${event}', how));
  })()`);

interface Block {
  readonly type: string;
  readonly text?: string;
  readonly source?: { readonly media_type: string; readonly data: string };
}

/** The blocks of each question that the model was asked last. */
function told(): (readonly Block[])[] {
  const { body } = the.simulator.requests.at(-1) ?? {};
  const { messages } = body as { messages: { role: string; content: string | Block[] }[] };
  return messages
    .filter(({ role }) => role === 'user')
    .map(({ content }) => (typeof content === 'string' ? [{ type: 'text', text: content }] : content));
}

/** What one sees in a picture: its size, and the colours of its upper corners. */
const seenIn = (page: Page, data: string) =>
  page.evaluate(`(async () => {
    const bytes = Uint8Array.from(atob(${JSON.stringify(data)}), (each) => each.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]));
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const isRed = (x, y) => { const [red, green] = context.getImageData(x, y, 1, 1).data; return red > 200 && green < 80; };
    return { width, height, left: isRed(20, 20), right: isRed(width - 20, 20) };
  })()`);

it('offers to attach something only where the relay takes files', async () => {
  const taking = await openPage();
  await taking.page.getByRole('button', { name: 'Add a photo or file' }).waitFor();
  const closed = await startRelayWithUploads({ ALLOWED_ORIGINS: pages.origin, UPLOADS_PER_USER: '0' });
  onTestFinished(() => closed.close());
  const { relay } = closed;
  const page = await pages.open({ url: relay.url, token: await relay.token(crypto.randomUUID()) });
  await page.getByRole('textbox').waitFor();
  await page.getByRole('button', { name: 'Add a photo or file' }).waitFor({ state: 'detached' });
  await giveFiles(page, 'paste', 'clipboardData', "[new File(['x'], 'a.png', { type: 'image/png' })]");
  expect(await page.getByRole('button', { name: /^Remove/ }).count()).toBe(0);
});

it('takes a photo of 12 megapixels by a drop, prepares it beside the page, and the model gets it upright', async () => {
  const { page, press } = await openPage();
  await page.evaluate(TAKE_PHOTO);
  await page.evaluate(`
    window.drawn = 0;
    for (const [place, name] of [[window, 'createImageBitmap'], [OffscreenCanvas.prototype, 'convertToBlob']]) {
      const before = place[name];
      place[name] = function (...all) { window.drawn += 1; return before.apply(this, all); };
    }`);
  const worker = page.waitForEvent('worker');
  await giveFiles(page, 'dragenter', 'dataTransfer', '[photo]');
  await page.getByText('Drop it here to ask about it').waitFor();
  await giveFiles(page, 'drop', 'dataTransfer', '[photo]');
  expect(await page.getByText('Drop it here to ask about it').count()).toBe(0);
  await worker;
  await page.getByRole('textbox', { name: 'Ask Dash' }).fill('Is this right?');
  await page.keyboard.press('Enter'); // whether it is ready or not
  const shown = page.getByRole('button', { name: 'Enlarge Photo 1' });
  await shown.waitFor(SOON);
  expect(await page.evaluate('drawn')).toBe(0);
  await press('Ask again');
  await expect.poll(() => the.simulator.requests.length, SOON).toBe(2);
  const [[photo, question] = []] = told();
  expect(question).toEqual({ type: 'text', text: 'Is this right?' });
  const { media_type, data = '' } = photo?.source ?? {};
  expect(media_type).toBe('image/jpeg');
  expect(await seenIn(page, data)).toEqual({ width: 1654, height: 2205, left: false, right: true });
  const bytes = Buffer.from(data, 'base64');
  expect(bytes.length).toBeLessThanOrEqual(1_500_000);
  expect(bytes.includes('26.2041')).toBe(false);

  await shown.click();
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await expect.poll(() => page.evaluate('document.activeElement.ariaLabel')).toBe('Enlarge Photo 1');
  expect(await page.evaluate('JSON.stringify({ ...sessionStorage })')).not.toMatch(/blob:|base64|IMG_0001/);
});

it('is told of again while the page has it, and in words after a reload', async () => {
  const { page, press, add } = await openPage();
  const png = await page.evaluate<number[]>(`(async () => {
    const canvas = new OffscreenCanvas(60, 40);
    canvas.getContext('2d').fillRect(0, 0, 30, 40);
    return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())];
  })()`);
  await add('leaf.png', 'image/png', Buffer.from(png));
  await page.getByRole('textbox', { name: /^What does Photo 1 show/ }).fill('a leaf of our tree');
  await press('Send');
  await press('Ask again');
  expect(told()[0]?.map(({ type }) => type)).toEqual(['image', 'text', 'text']);
  await press('Change the question');
  await page.getByRole('textbox', { name: 'Your question' }).fill('Which tree is it?');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Ask again' }).waitFor();
  expect(told()[0]?.map(({ type, text }) => [type, text])).toEqual([
    ['image', undefined],
    ['text', '[About this photo. In the words of whoever sent it: a leaf of our tree]'],
    ['text', 'Which tree is it?'],
  ]);
  expect(await seenIn(page, told()[0]?.[0]?.source?.data ?? '')).toMatchObject({ width: 60, height: 40 });
  await page.reload();
  await page.getByText('a leaf of our tree · not kept, for your privacy').waitFor();
  expect(await violationsOf(page)).toEqual([]);
  await page.getByRole('textbox', { name: 'Ask Dash' }).fill('How old?');
  await press('Send');
  await expect.poll(() => told().length, SOON).toBe(2);
  expect(told()[0]?.[0]?.text).toContain('can no longer be seen. In the words of whoever sent it: a leaf');
});

it('says in a sentence what cannot be used, and lets it be taken out with the keyboard', async () => {
  const { page, press, add } = await openPage({ attachments: { most: 3 } });
  await add('a.heic', 'image/heic', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'));
  await page.getByText('(HEIC) cannot be opened here').waitFor();
  await add('b.svg', 'image/svg+xml', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'));
  await page.getByText('This is a drawing (SVG).').waitFor();
  await add('c.pdf', 'application/pdf', pdf(3));
  await page.getByText('PDFs cannot be read here.').waitFor();
  await press('Add a photo or file');
  await page.getByText('Only 3 can go with one question.').waitFor();
  expect(await page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
  expect(await violationsOf(page)).toEqual([]);
  for (const rest of [2, 1, 0]) {
    await page.getByRole('button', { name: 'Remove' }).first().focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.getByRole('button', { name: 'Remove' }).count()).toBe(rest);
    expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('Add a photo or file');
  }
  await add('d.jpg', 'image/jpeg', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0]));
  await page.getByText('it may be damaged').waitFor();
  await press('Remove Photo 1');
  await add('e.jpg', 'image/jpeg', Buffer.from('Dear Sir or Madam'));
  await page.getByText('This is not a photo.').waitFor();
  await press('Remove Photo 1');
  const pasted = '[new File(["picture of the text"], "image.png", { type: "image/png" })]';
  await giveFiles(page, 'paste', 'clipboardData', pasted, 'words of an office program');
  expect(await page.getByRole('button', { name: 'Remove' }).count()).toBe(0);
  await giveFiles(page, 'paste', 'clipboardData', pasted);
  await page.getByText('This is not a photo.').waitFor();
});

it('tries again what the network lost, asks by itself once it is there, and counts the pages of a teacher’s PDF', async () => {
  const { page, press, add } = await openPage({ attachments: { documents: true } }, {}, 'teacher');
  let isLost = true;
  await page.route('**/v1/uploads', (route) =>
    isLost && route.request().method() === 'POST'
      ? route.fulfill({
          status: 503,
          headers: { 'access-control-allow-origin': '*', 'access-control-expose-headers': '*' },
          contentType: 'application/json',
          body: JSON.stringify({
            error: { code: 'unavailable', message: '', retryable: true, retryAfterMs: 60_000 },
          }),
        })
      : route.continue(),
  );
  await add('worksheet.pdf', 'application/pdf', pdf(3));
  await page.getByText('It could not be sent just now.').waitFor(SOON);
  isLost = false;
  await press('Try again');
  await page.getByText('PDF 1 · 3 pages').waitFor(SOON);
  await press('Send');
  await page.getByText('PDF 1 · 3 pages').waitFor();
  await expect.poll(() => told()[0]?.[0]?.source?.media_type, SOON).toBe('application/pdf');
  expect(told()[0]?.at(-1)).toEqual({ type: 'text', text: 'Please help me with this.' });
});

it('lets pupils with a phone choose between the camera and their photos', async () => {
  const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
  const { page, press } = await openPage({}, phone);
  await press('Add a photo or file');
  const chooser = page.waitForEvent('filechooser');
  await press('Take a photo');
  expect(await (await chooser).element().evaluate((input) => input.getAttribute('capture'))).toBe(
    'environment',
  );
  await press('Add a photo or file');
  await page.getByRole('button', { name: 'Choose photos' }).waitFor();
  const small = `Array.from(document.querySelectorAll('button')).map((each) => each.getBoundingClientRect())
    .filter(({ width, height }) => width < 44 || height < 44).length`;
  expect(await page.evaluate(small)).toBe(0);
  expect(await violationsOf(page)).toEqual([]);
  await page.keyboard.press('Escape');
  expect(await page.getByRole('button', { name: 'Choose photos' }).count()).toBe(0);
});
