/** The demo page: wires connection, conversations and views together, and draws at most once a frame. */
import { Announcer } from './announcer.js';
import { SUGGESTIONS, TROUBLES } from './catalogue.js';
import { Composer } from './composer.js';
import { Connection } from './connection.js';
import { Conversation } from './conversation.js';
import { ConversationList } from './conversation-list.js';
import { element, setText } from './element.js';
import { Panel } from './panel.js';
import { plainWords } from './plain-words.js';
import { Tokens } from './tokens.js';
import { Transcript } from './transcript.js';

const CUT_MS = 2_000;
/** Figures that move by themselves (speed, chart) are drawn this often, ms. */
const PANEL_MS = 250;
const STATUS = {
  connecting: 'Connecting…',
  online: 'Connected',
  waiting: 'Reconnecting…',
  stopped: 'Not connected',
};

const byId = (id) => document.getElementById(id);
const wide = matchMedia('(min-width: 1100px)');

const connection = new Connection({
  url: `${location.origin.replace(/^http/, 'ws')}/v1/ws`,
  tokens: new Tokens(),
  onChange: () => draw(),
});
const announcer = new Announcer(byId('announcer'));
const transcript = new Transcript({
  scroll: byId('scroll'),
  list: byId('transcript'),
  toLatest: byId('to-latest'),
  onRetry: retry,
});
const list = new ConversationList(byId('conversations'), { select, remove });
const composer = new Composer(
  {
    form: byId('composer'),
    question: byId('question'),
    action: byId('action'),
    send: byId('send'),
    stop: byId('stop'),
  },
  { ask, stop: () => current.stop() },
);
const panel = new Panel({
  answerFacts: byId('answer-facts'),
  connectionFacts: byId('connection-facts'),
  chart: byId('pace'),
});
let conversations = [];
let current;
let drawing = false;

function add() {
  const conversation = new Conversation(connection, noticeRun);
  conversations.push(conversation);
  return conversation;
}

/** An empty conversation is used again rather than piled up. */
function addAndSelect() {
  select(conversations.find(({ turns }) => turns.length === 0) ?? add());
}

function select(conversation) {
  current = conversation;
  current.unread = false;
  // At once: what is typed next belongs to this conversation.
  drawNow();
  composer.focus();
}

function remove(conversation) {
  conversation.stop();
  conversations = conversations.filter((other) => other !== conversation);
  if (conversation !== current) return draw();
  select(conversations.at(-1) ?? add());
}

function ask(question) {
  current.ask(question, byId('trouble').value);
  beginReading();
}

function retry() {
  current.retry();
  beginReading();
}

function beginReading() {
  announcer.say('Dash is thinking.');
  transcript.followLatest();
}

function cut() {
  connection.link.leaveFor(CUT_MS);
  uncover();
}

function askThree() {
  const asked = SUGGESTIONS.slice(0, 3).map(({ action, question }) => {
    const conversation = add();
    conversation.action = action;
    conversation.ask(question);
    return conversation;
  });
  uncover();
  select(asked[0]);
}

/** The start and the end are spoken and marked; the words in between are only drawn. */
function noticeRun(conversation, run) {
  draw();
  if (run.ended && run === conversation.latestRun && conversations.includes(conversation)) {
    noticeEnding(conversation, run);
  }
}

function noticeEnding(conversation, run) {
  if (conversation !== current) conversation.unread = true;
  announcer.say(`${endingWords(run)}${conversation === current ? '' : ` In “${conversation.title}”.`}`);
}

function endingWords({ ending, text }) {
  const count = text.trim() === '' ? 0 : text.trim().split(/\s+/).length;
  if (ending.type === 'done') return `Dash has answered in ${count} words.`;
  if (ending.type === 'cancelled') return `Stopped after ${count} words.`;
  return plainWords(ending.code).join('. ');
}

function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    drawNow();
  });
}

function drawNow() {
  const { link } = connection;
  list.update(conversations, current);
  composer.update(current);
  byId('welcome').hidden = current.turns.length > 0;
  transcript.update(current, link.state);
  setText(byId('title'), current.title);
  drawStatus(link);
  drawPanel();
}

function drawStatus({ state, reason }) {
  const { dataset } = byId('status');
  if (dataset.state === 'online' && state === 'waiting') {
    announcer.say('The connection is lost. Dash reconnects by itself.');
  }
  dataset.state = state;
  setText(byId('status-text'), STATUS[state]);
  byId('notice').hidden = state !== 'stopped';
  if (state === 'stopped') setText(byId('notice-text'), plainWords(reason).join('. '));
}

function drawPanel() {
  if (!byId('panel').hidden) panel.update(connection, current.latestRun);
}

function togglePanel(open) {
  byId('panel').hidden = !open;
  byId('app').dataset.panel = open ? 'open' : 'closed';
  byId('panel-toggle').ariaExpanded = String(open);
  drawPanel();
}

/** Where the panel lies over the page, it makes room for what happens now. */
function uncover() {
  if (!wide.matches) togglePanel(false);
}

function suggestionButton({ action, title, question }) {
  const button = element(
    'button',
    { type: 'button', className: 'suggestion' },
    element('strong', { textContent: title }),
    element('span', { textContent: question }),
  );
  button.addEventListener('click', () => {
    current.action = action;
    ask(question);
    composer.focus();
  });
  return element('li', {}, button);
}

function pressed(event) {
  if (event.key === 'Escape' && !wide.matches && !byId('panel').hidden) {
    togglePanel(false);
    byId('panel-toggle').focus();
  } else if (event.key === 'Escape' && !event.isComposing) current.stop();
  else if (event.altKey && event.code === 'KeyN') {
    event.preventDefault();
    addAndSelect();
  }
}

byId('suggestions').append(...SUGGESTIONS.map(suggestionButton));
byId('trouble').append(
  ...TROUBLES.map(({ model, label }) => element('option', { value: model, textContent: label })),
);
byId('new-conversation').addEventListener('click', addAndSelect);
byId('panel-toggle').addEventListener('click', () => togglePanel(byId('panel').hidden));
byId('panel-close').addEventListener('click', () => {
  togglePanel(false);
  byId('panel-toggle').focus();
});
byId('cut').addEventListener('click', cut);
byId('three').addEventListener('click', askThree);
byId('notice-retry').addEventListener('click', () => connection.link.connect());
addEventListener('keydown', pressed);
addEventListener('online', () => connection.link.hurry());
setInterval(drawPanel, PANEL_MS);

select(add());
togglePanel(wide.matches);
connection.link.connect();
