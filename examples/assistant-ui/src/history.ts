import type { ExportedMessageRepositoryItem, ThreadHistoryAdapter } from '@assistant-ui/react';
import { model } from './model';

const KEY = 'dash-relay-thread';

/** `sessionStorage`: until the tab is closed. What is kept of children's words is the app's to decide. */
export const history: ThreadHistoryAdapter = {
  /** Tells the answer to the last question from its beginning, by the question's message id. */
  resume: model.resume,
  async load() {
    const messages = kept();
    // An answer is kept when it has ended: a question that comes last was left in mid-answer.
    return { messages, unstable_resume: messages.at(-1)?.message.role === 'user' };
  },
  async append(item) {
    keep([...kept(), item]);
  },
  async update(item) {
    keep(kept().map((each) => (each.message.id === item.message.id ? item : each)));
  },
};

function kept(): ExportedMessageRepositoryItem[] {
  const items = JSON.parse(sessionStorage.getItem(KEY) ?? '[]') as ExportedMessageRepositoryItem[];
  return items.map(({ message, ...item }) => ({
    ...item,
    message: { ...message, createdAt: new Date(message.createdAt) }, // a text in JSON
  }));
}

function keep(items: readonly ExportedMessageRepositoryItem[]): void {
  sessionStorage.setItem(KEY, JSON.stringify(items));
}
