/** Where a question is written: grows with it, sends on Enter, stops the answer on Escape. */
import { ACTIONS } from './catalogue.js';
import { element } from './element.js';

export class Composer {
  #form;
  #question;
  #action;
  #send;
  #stop;
  #conversation;

  /** `events`: { ask(question), stop() }; `parts`: the elements by name. */
  constructor({ form, question, action, send, stop }, events) {
    this.#form = form;
    this.#question = question;
    this.#action = action;
    this.#send = send;
    this.#stop = stop;
    action.append(
      ...ACTIONS.map(({ action: value, label }) => element('option', { value, textContent: label })),
    );
    action.addEventListener('change', () => {
      this.#conversation.action = action.value;
    });
    question.addEventListener('input', () => this.#typed());
    question.addEventListener('keydown', (event) => this.#pressed(event));
    stop.addEventListener('click', () => events.stop());
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit(events);
    });
  }

  focus() {
    this.#question.focus({ preventScroll: true });
  }

  /** Shows the draft and the kind of help of this conversation, and whether there is something to stop. */
  update(conversation) {
    if (conversation !== this.#conversation) {
      this.#conversation = conversation;
      this.#question.value = conversation.draft;
      this.#fit();
    }
    this.#action.value = conversation.action;
    const live = conversation.liveRun !== undefined;
    const hadFocus = document.activeElement === (live ? this.#send : this.#stop);
    this.#send.hidden = live;
    this.#stop.hidden = !live;
    this.#stop.disabled = conversation.liveRun?.stopRequested === true;
    this.#send.disabled = conversation.draft.trim() === '';
    if (hadFocus) this.focus();
  }

  #typed() {
    this.#conversation.draft = this.#question.value;
    this.#send.disabled = this.#question.value.trim() === '';
    this.#fit();
  }

  /** On a touch keyboard Enter makes a line; during composition (IME) it belongs to the input method. */
  #pressed(event) {
    const sends = event.key === 'Enter' && !event.shiftKey && !event.isComposing;
    if (!sends || matchMedia('(hover: none)').matches) return;
    event.preventDefault();
    this.#form.requestSubmit();
  }

  #submit(events) {
    const question = this.#question.value.trim();
    if (question === '' || this.#conversation.liveRun !== undefined) return;
    this.#question.value = '';
    this.#typed();
    events.ask(question);
  }

  /** Where the browser does not do it by `field-sizing`. */
  #fit() {
    if (CSS.supports('field-sizing', 'content')) return;
    this.#question.style.height = 'auto';
    this.#question.style.height = `${this.#question.scrollHeight}px`;
  }
}
