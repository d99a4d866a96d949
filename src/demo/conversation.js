/** One conversation: its questions, the runs that answer them, and what of it the model is told next. */

/** How many earlier messages go along with a new question. */
const REMEMBERED = 5;
const TITLE_LENGTH = 48;

export const DEFAULT_ACTION = 'general_assistance';

let created = 0;

export class Conversation {
  key = `conversation-${++created}`;
  title = 'New conversation';
  action = DEFAULT_ACTION;
  draft = '';
  /** Something ended here while another conversation was on the screen. */
  unread = false;
  /** { question, action, run }, oldest first. */
  turns = [];
  #connection;
  #onChange;

  /** `onChange(conversation, run)` after every change of one of its runs. */
  constructor(connection, onChange) {
    this.#connection = connection;
    this.#onChange = onChange;
  }

  get latestRun() {
    return this.turns.at(-1)?.run;
  }

  /** The run that is being answered, if any. */
  get liveRun() {
    return this.latestRun?.ended === false ? this.latestRun : undefined;
  }

  /** `model` only for what the simulator is to play; the server chooses otherwise. */
  ask(question, model) {
    if (this.turns.length === 0) this.title = titleOf(question);
    this.#run({ question, action: this.action, model });
  }

  /** Asks the last question again, in place of its answer. */
  retry() {
    const turn = this.turns.pop();
    this.#run({ question: turn.question, action: turn.action });
  }

  stop() {
    if (this.liveRun !== undefined) this.#connection.cancel(this.liveRun);
  }

  #run({ question, action, model }) {
    const messages = [...this.#remembered(), { role: 'user', content: question }];
    const request = { action, messages, ...(model ? { model } : {}) };
    const run = this.#connection.start(request, (changed) => this.#onChange(this, changed));
    this.turns.push({ question, action, run });
    this.#onChange(this, run);
  }

  /** The last messages, partial answers too. The model's API wants the user to speak first, and no empty message. */
  #remembered() {
    const messages = this.turns
      .filter(({ run }) => run.text.trim() !== '')
      .flatMap(({ question, run }) => [
        { role: 'user', content: question },
        { role: 'assistant', content: run.text },
      ])
      .slice(-REMEMBERED);
    return messages[0]?.role === 'assistant' ? messages.slice(1) : messages;
  }
}

function titleOf(question) {
  const line = question.trim().replace(/\s+/g, ' ');
  if (line.length <= TITLE_LENGTH) return line;
  return `${line
    .slice(0, TITLE_LENGTH)
    .replace(/\s\S*$/, '')
    .toWellFormed()}…`;
}
