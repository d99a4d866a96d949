/** One question and its answer on the screen. Owns its elements; draws what the run holds, and only what changed. */
import { element, setText } from './element.js';
import { plainWords, stopWords, usageSource } from './plain-words.js';
import { renderMarkdown } from './render-markdown.js';

const COPIED_MS = 1_600;

export class TurnView {
  root;
  #turn;
  #actions;
  #answer;
  #thinking = element('p', { className: 'thinking' });
  #body = element('div', { className: 'body' });
  #footer = element('div', { className: 'answer-footer' });
  #endingShown = false;

  /** `actions`: { retry() } */
  constructor(turn, actions) {
    this.#turn = turn;
    this.#actions = actions;
    const question = element('article', { className: 'question', ariaLabel: 'You' });
    question.append(element('p', { dir: 'auto', textContent: turn.question }));
    this.#answer = element('article', { className: 'answer', ariaLabel: 'Dash' });
    this.#answer.append(this.#thinking, this.#body, this.#footer);
    this.root = element('div', { className: 'turn' }, question, this.#answer);
  }

  /** `linkState` says why nothing comes, where nothing comes. `latest`: only the last answer can be asked again. */
  update(linkState, latest) {
    const { run } = this.#turn;
    this.#answer.dataset.phase = phaseOf(run);
    this.#answer.ariaBusy = String(!run.ended);
    setText(this.#thinking, waitingWords(run, linkState));
    this.#thinking.hidden = this.#thinking.textContent === '';
    // An answer that broke off may have left marks open for good.
    renderMarkdown(this.#body, run.text, run.ending?.type !== 'done');
    if (run.ended && !this.#endingShown) this.#showEnding(run);
    const retry = this.#footer.querySelector('.retry');
    if (retry !== null) retry.hidden = !latest;
  }

  #showEnding(run) {
    this.#endingShown = true;
    const { type } = run.ending;
    if (type === 'done') this.#footer.append(...this.#doneParts(run));
    else if (type === 'cancelled') this.#footer.append(...this.#stoppedParts(run));
    else this.#footer.append(this.#errorCard(run.ending));
  }

  #doneParts(run) {
    const { ending } = run;
    const words = run.text.trim() === '' ? 'Dash had nothing to add.' : stopWords(ending.stopReason);
    const note = words === undefined ? [] : [element('p', { className: 'stop-note', textContent: words })];
    const facts = [seconds(ending.timing.totalMs), tokens(ending.usage.outputTokens)];
    return [
      ...note,
      element('div', { className: 'answer-row' }, this.#copyButton(), receipt('Facts', facts)),
    ];
  }

  #stoppedParts(run) {
    const { usage, timing } = run.ending;
    const facts = [];
    if (usage !== undefined) {
      facts.push(`${tokens(usage.outputTokens)} (${usageSource(usage.source)})`);
      if (timing.upstreamClosedMs !== undefined)
        facts.push(`model stopped in ${ms(timing.upstreamClosedMs)}`);
    }
    const badge = element('span', { className: 'badge', textContent: 'Stopped' });
    const row = element('div', { className: 'answer-row' }, badge, receipt('Receipt', facts));
    const again = this.#retryButton('Ask again', 'button quiet');
    return [
      row,
      element('div', { className: 'answer-row' }, ...(run.text ? [this.#copyButton()] : []), again),
    ];
  }

  #errorCard({ code, retryable }) {
    const [what, then] = plainWords(code);
    const card = element('div', { className: 'error-card' });
    card.append(
      element('p', { className: 'error-title', textContent: what }),
      element('p', { textContent: then }),
    );
    card.append(this.#retryButton(retryable ? 'Try again' : 'Ask again', 'button'));
    return card;
  }

  #retryButton(label, className) {
    const button = element('button', { type: 'button', className: `${className} retry`, textContent: label });
    button.addEventListener('click', () => this.#actions.retry());
    return button;
  }

  #copyButton() {
    const button = element('button', { type: 'button', className: 'button quiet', textContent: 'Copy' });
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(this.#turn.run.text);
      button.textContent = 'Copied';
      setTimeout(() => setText(button, 'Copy'), COPIED_MS);
    });
    return button;
  }
}

function phaseOf(run) {
  if (run.ended) return run.ending.type;
  return run.text === '' ? 'thinking' : 'streaming';
}

function waitingWords(run, linkState) {
  if (run.ended) return '';
  if (run.stopRequested) return 'Stopping…';
  if (linkState !== 'online') return run.text === '' ? 'Waiting for the connection…' : 'Reconnecting…';
  return run.text === '' ? 'Thinking…' : '';
}

function receipt(label, facts) {
  const list = element('ul', { className: 'receipt', ariaLabel: label });
  list.append(...facts.map((fact) => element('li', { textContent: fact })));
  return list;
}

function tokens(count) {
  return `${count.toLocaleString('en')} ${count === 1 ? 'token' : 'tokens'}`;
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function ms(value) {
  return value < 1 ? 'under 1 ms' : `${Math.round(value)} ms`;
}
