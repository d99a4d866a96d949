/** The list of conversations: at the side, or as a row of tabs on a phone. */
import { element, setText } from './element.js';

export class ConversationList {
  #list;
  #events;
  /** Conversation → { item, button, title, note }. */
  #entries = new Map();
  #current;

  /** `events`: { select(conversation), remove(conversation) } */
  constructor(list, events) {
    this.#list = list;
    this.#events = events;
  }

  update(conversations, current) {
    for (const [conversation, { item }] of this.#entries) {
      if (conversations.includes(conversation)) continue;
      item.remove();
      this.#entries.delete(conversation);
    }
    for (const conversation of conversations) this.#draw(conversation, conversation === current);
    if (current !== this.#current) {
      this.#current = current;
      this.#entries.get(current)?.item.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }
  }

  #draw(conversation, isCurrent) {
    const entry = this.#entries.get(conversation) ?? this.#add(conversation);
    const note = noteOf(conversation);
    entry.item.dataset.state = stateOf(conversation);
    entry.button.ariaCurrent = isCurrent ? 'true' : null;
    setText(entry.title, conversation.title);
    setText(entry.note, note);
    const label = `Remove “${conversation.title}”`;
    if (entry.remove.ariaLabel !== label) entry.remove.ariaLabel = label;
  }

  #add(conversation) {
    const title = element('span', { className: 'conversation-title', dir: 'auto' });
    const note = element('span', { className: 'conversation-note unseen-on-phone' });
    const button = element('button', { type: 'button', className: 'conversation' }, title, note);
    const remove = element('button', { type: 'button', className: 'remove', textContent: '×' });
    const item = element('li', {}, button, remove);
    button.addEventListener('click', () => this.#events.select(conversation));
    remove.addEventListener('click', () => this.#events.remove(conversation));
    this.#list.prepend(item);
    const entry = { item, button, title, note, remove };
    this.#entries.set(conversation, entry);
    return entry;
  }
}

function stateOf({ latestRun, liveRun, unread }) {
  if (liveRun !== undefined) return 'live';
  if (unread) return latestRun?.ending.type === 'error' ? 'failed' : 'unread';
  return 'idle';
}

function noteOf({ latestRun, turns, unread }) {
  if (latestRun === undefined) return 'Nothing asked yet';
  if (!latestRun.ended) return latestRun.text === '' ? 'Thinking…' : 'Answering…';
  if (latestRun.ending.type === 'error') return 'Could not finish';
  if (latestRun.ending.type === 'cancelled') return 'Stopped';
  if (unread) return 'New answer';
  return turns.length === 1 ? '1 answer' : `${turns.length} answers`;
}
