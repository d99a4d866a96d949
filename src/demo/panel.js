/** Under the hood: what the connection and the answer on the screen are doing, in figures. */
import { element, setText } from './element.js';
import { usageSource } from './plain-words.js';

const SVG = 'http://www.w3.org/2000/svg';
const CHART = { width: 240, height: 48, bars: 60, gap: 1 };
const STATES = {
  connecting: 'connecting',
  online: 'connected',
  waiting: 'waiting to reconnect',
  stopped: 'stopped',
};
const NO_ANSWER = {
  'First words': '–',
  Speed: '–',
  Position: '–',
  Tokens: '–',
  Model: '–',
  Check: '–',
};

export class Panel {
  #answerFacts;
  #connectionFacts;
  #chart;

  constructor({ answerFacts, connectionFacts, chart }) {
    this.#answerFacts = factList(answerFacts);
    this.#connectionFacts = factList(connectionFacts);
    this.#chart = chartOf(chart);
  }

  update(connection, run) {
    const now = performance.now();
    this.#connectionFacts(connectionFacts(connection));
    this.#answerFacts(answerFacts(run, now));
    this.#chart(run?.pace.counts(now) ?? []);
  }
}

function connectionFacts({ link, liveRuns, resumes }) {
  return {
    State: STATES[link.state],
    'Answers now': String(liveRuns),
    Resumes: String(resumes),
    Version: link.hello?.version ?? '–',
  };
}

function answerFacts(run, now) {
  if (run === undefined) return NO_ANSWER;
  return {
    'First words': run.firstTextMs === undefined ? '–' : `${Math.round(run.firstTextMs)} ms`,
    Speed: speed(run, now),
    Position: `delta ${run.seq}`,
    Tokens: tokens(run.ending?.usage),
    Model: run.model ?? '–',
    Check: check(run),
  };
}

/** While it streams: of the last two seconds. Afterwards: of the whole answer. */
function speed(run, now) {
  const timing = run.ending?.timing;
  if (timing === undefined) return `${Math.round(run.pace.perSecond(now))} deltas/s`;
  const writing = timing.totalMs - (timing.firstTokenMs ?? timing.totalMs);
  return writing > 0 ? `${Math.round((timing.chunks * 1000) / writing)} deltas/s` : '–';
}

function tokens(usage) {
  if (usage === undefined) return '–';
  return `${usage.inputTokens} in, ${usage.outputTokens} out, ${usageSource(usage.source)}`;
}

function check(run) {
  if (!run.ended) return `${run.text.length} characters`;
  if (run.complete === undefined) return '–';
  return run.complete ? `all ${run.text.length} characters, once` : 'text does not match';
}

/** Draws { name: value } into a dl; rows are made once per name. */
function factList(list) {
  const rows = new Map();
  return (facts) => {
    for (const [name, row] of rows) row.hidden = !(name in facts);
    for (const [name, value] of Object.entries(facts)) {
      if (!rows.has(name)) rows.set(name, addRow(list, name));
      setText(rows.get(name).lastChild, value);
    }
  };
}

function addRow(list, name) {
  const row = element('div', {}, element('dt', { textContent: name }), element('dd'));
  list.append(row);
  return row;
}

/** One bar for each quarter second, the newest at the right. */
function chartOf(svg) {
  const width = CHART.width / CHART.bars;
  const bars = Array.from({ length: CHART.bars }, (_, i) => {
    const bar = document.createElementNS(SVG, 'rect');
    bar.setAttribute('x', i * width);
    bar.setAttribute('width', width - CHART.gap);
    bar.setAttribute('rx', 1);
    svg.append(bar);
    return bar;
  });
  return (counts) => {
    const tallest = Math.max(12, ...counts);
    for (const [i, bar] of bars.entries()) {
      const count = counts[counts.length - CHART.bars + i] ?? 0;
      // Square roots keep ordinary deltas visible beside the burst after a resume.
      const height = count === 0 ? 1 : Math.max(2, Math.sqrt(count / tallest) * CHART.height);
      bar.setAttribute('height', height);
      bar.setAttribute('y', CHART.height - height);
    }
  };
}
