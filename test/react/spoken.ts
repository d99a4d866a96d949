/** What somebody hears who sees nothing of a page: what has the focus, what speaks by itself, and what is read on request. */
import type { CDPSession, Page } from 'playwright-core';

/** In the page: `window.heard` is each text that a live region came to have, in order. */
const LISTEN = `(() => {
  const LIVE = '[role=status], [role=alert], [role=log], [aria-live=polite], [aria-live=assertive]';
  const heard = (window.heard = []);
  const texts = new WeakMap();
  const read = (region, isNew) => {
    const text = region.innerText.replaceAll(/\\s+/g, ' ').trim();
    const before = texts.get(region) ?? '';
    texts.set(region, text);
    // One that comes into the page with its words is read out only where it is an alert.
    if (text !== '' && text !== before && (!isNew || region.role === 'alert')) heard.push(text);
  };
  new MutationObserver((changes) => {
    const added = changes.flatMap(({ addedNodes }) => [...addedNodes]);
    const touched = changes.map(({ target }) => target).concat(added);
    const regions = touched.flatMap((node) => {
      const element = node instanceof Element ? node : node.parentElement;
      return [element?.closest(LIVE), ...(element?.querySelectorAll(LIVE) ?? [])];
    });
    for (const region of new Set(regions))
      if (region?.isConnected) read(region, added.some((node) => node.contains(region)));
  }).observe(document, { subtree: true, childList: true, characterData: true });
})()`;

interface AxValue {
  readonly value?: unknown;
}
interface AxNode {
  readonly nodeId: string;
  readonly ignored: boolean;
  readonly role?: AxValue;
  readonly name?: AxValue;
  readonly value?: AxValue;
  readonly properties?: readonly { readonly name: string; readonly value: AxValue }[];
  readonly childIds?: readonly string[];
}

export interface Listener {
  /** One line for each thing that was said since the last call. */
  heard(): Promise<string[]>;
  /** What has the focus. */
  focused(): Promise<string>;
  /** Presses Tab, or with `backwards` Shift and Tab, until what has the focus is said to begin so: how often, and what it is. */
  tabTo(beginning: string, backwards?: boolean): Promise<string>;
  /** All that a reader meets from the beginning to the end of the first region of that role and name. */
  read(role: string, name: string): Promise<string[]>;
}

/** Roles whose names are all there is to say of what they hold. */
const LEAVES = ['button', 'link', 'checkbox', 'radio', 'textbox', 'searchbox', 'image', 'StaticText'];
/** Boxes that say nothing by themselves. */
const SILENT = ['generic', 'none', 'InlineTextBox', 'paragraph', 'LineBreak'];
/** What may be farther away than that is not to be reached. */
const MOST_STOPS = 60;

export async function listenTo(page: Page): Promise<Listener> {
  const session = await page.context().newCDPSession(page);
  await page.evaluate(LISTEN);
  const focused = async (): Promise<string> => described(await focusedNode(session));
  return {
    focused,
    heard: async () => (await page.evaluate<string[]>('heard.splice(0)')).map((text) => `says: ${text}`),
    async tabTo(beginning, backwards = false) {
      const key = backwards ? 'Shift+Tab' : 'Tab';
      for (let stops = 1; stops <= MOST_STOPS; stops += 1) {
        await page.keyboard.press(key);
        const now = await focused();
        if (now.startsWith(beginning)) return `[${key}${stops > 1 ? ` ×${stops}` : ''}] ${now}`;
      }
      throw new Error(`no ${beginning} is reached by ${key}`);
    },
    async read(role, name) {
      const { nodes } = (await session.send('Accessibility.getFullAXTree')) as { nodes: AxNode[] };
      const byId = new Map(nodes.map((node) => [node.nodeId, node]));
      const from = nodes.find((node) => node.role?.value === role && node.name?.value === name);
      return from === undefined ? [] : linesOf(from, byId, 0);
    },
  };
}

async function focusedNode(session: CDPSession): Promise<AxNode | undefined> {
  const { result } = await session.send('Runtime.evaluate', { expression: 'document.activeElement' });
  const { objectId = '' } = result;
  const { nodes } = await session.send('Accessibility.getPartialAXTree', { objectId, fetchRelatives: false });
  return nodes[0] as AxNode | undefined;
}

const STATES = ['expanded', 'checked', 'disabled', 'level', 'modal', 'busy'];

function described(node: AxNode | undefined): string {
  if (node === undefined || node.ignored) return 'nothing';
  const { role, name, value, properties = [] } = node;
  const states = properties
    .filter((each) => STATES.includes(each.name) && (each.value.value !== false || each.name === 'expanded'))
    .map((each) => (each.value.value === true ? each.name : `${each.name} ${each.value.value}`));
  const written = typeof value?.value === 'string' && value.value !== '' ? [`“${value.value}”`] : [];
  return [`${role?.value} “${name?.value ?? ''}”`, ...written, ...states].join(', ');
}

/** Of a line that a formula holds what it says; of what only holds others what that is. */
function signOf(line: string): string {
  const said = line.trim();
  return /^MathML(\w+) “.*”$/.exec(said)?.[1]?.toLowerCase() ?? said;
}

function linesOf(node: AxNode, byId: ReadonlyMap<string, AxNode>, depth: number): string[] {
  const role = String(node.role?.value);
  const isSilent = node.ignored || SILENT.includes(role);
  const within = LEAVES.includes(role)
    ? []
    : (node.childIds ?? []).flatMap((id) => {
        const child = byId.get(id);
        return child ? linesOf(child, byId, depth + (isSilent ? 0 : 1)) : [];
      });
  if (isSilent) return within;
  if (role === 'MathMLMath') return [`${'  '.repeat(depth)}math: ${within.map(signOf).join(' ')}`];
  const line = role === 'StaticText' ? String(node.name?.value).trim() : described(node);
  return [`${'  '.repeat(depth)}${line}`, ...within];
}
