/**
 * A formula of TeX as a line of Unicode that can be read without typesetting: `x²`, `(a + b)/2`, `√(2)`, `H₂O`. What is not
 * complete yet, or not known, is as readable as can be. Takes time in proportion to the length.
 */
import { readableChemistry } from './readable-chemistry.ts';
import { lowered, raised } from './scripts.ts';
import { ACCENT, BINARY, blackboard, FUNCTIONS, RELATING, SIGNS } from './symbols.ts';

/** Longer ones are shown as they were written. */
const LONGEST = 8000;
/** Of groups in one another. */
const DEEPEST = 40;

/** @param tex of a formula, without what stands around it. Rows are lines. */
export function readableMath(tex: string): string {
  if (tex.length > LONGEST) return tex;
  return new Reader(tex).read();
}

type Kind = 'plain' | 'binary' | 'relation' | 'name' | 'fraction' | 'open' | 'close' | 'script' | 'space';

interface Atom {
  readonly kind: Kind;
  readonly text: string;
}

const NOTHING: Atom = { kind: 'plain', text: '' };
const LETTER = /[A-Za-z]/;
/** A number, a name or a letter with its power, or what is in brackets already. */
const SIMPLE = /^(?:\p{Nd}[\d.,]*|[\p{L}\p{M}∂]+[\p{No}ⁿ′]*|∞|\([^()]*\))$/u;
const LARGE = /[∑∏∐∫∬∭∮⋃⋂⨁⨂]/;

/** Followed by words, which keep their spaces. */
const WORDS =
  /^(?:text(?:bf|it|rm|sf|tt|normal|up|md|sc)?|mbox|hbox|operatorname\*?|mathrm|mathsf|mathtt|label|tag\*?|textnormal)$/;
/** Followed by something that says how, not what. */
const MANNER =
  /^(?:color|textcolor|colorbox|hspace|vspace|hphantom|phantom|vphantom|label|kern|rule|raisebox|hskip)\*?$/;
/** They only change how large what follows is. */
const SIZE =
  /^(?:left|right|middle|[bB]igg?[lrm]?|displaystyle|textstyle|scriptstyle|limits|nolimits|rm|bf|it|hline|nonumber|notag|cal)$/;
const SPACING: Readonly<Record<string, string>> = {
  ',': ' ',
  ';': ' ',
  ':': ' ',
  '>': ' ',
  ' ': ' ',
  '!': '',
  quad: '  ',
  qquad: '   ',
  enspace: ' ',
  thinspace: ' ',
};
const ENCLOSED: Readonly<Record<string, readonly [string, string]>> = {
  matrix: ['[', ']'],
  pmatrix: ['(', ')'],
  bmatrix: ['[', ']'],
  Bmatrix: ['{', '}'],
  vmatrix: ['|', '|'],
  Vmatrix: ['‖', '‖'],
  smallmatrix: ['[', ']'],
  array: ['[', ']'],
  cases: ['{ ', ''],
  rcases: ['', ' }'],
};

class Reader {
  readonly #tex: string;
  #at = 0;
  #depth = 0;

  constructor(tex: string) {
    this.#tex = tex;
  }

  read(): string {
    let all = '';
    while (this.#at < this.#tex.length) {
      all += this.#sequence();
      this.#at += 1; // a brace too many
    }
    return all
      .split('\n')
      .map((line) => line.replaceAll(/ {3,}/g, '  ').trim())
      .filter((line) => line !== '')
      .join('\n');
  }

  /** Up to a closing brace, `\end`, or `until`. */
  #sequence(until = '}'): string {
    const atoms: Atom[] = [];
    while (this.#at < this.#tex.length) {
      const sign = this.#tex.charAt(this.#at);
      if (sign === '}' || sign === until || this.#tex.startsWith('\\end', this.#at)) break;
      const atom = this.#atom();
      if (atom.text !== '') atoms.push(atom);
    }
    return joined(atoms);
  }

  #atom(): Atom {
    const sign = this.#tex.charAt(this.#at);
    this.#at += 1;
    switch (sign) {
      case '\\':
        return this.#command();
      case '{':
        return { kind: 'plain', text: this.#group() };
      case '^':
        return { kind: 'script', text: script(this.#argument(), '^', raised) };
      case '_':
        return { kind: 'script', text: script(this.#argument(), '_', lowered) };
      case "'":
        return { kind: 'script', text: '′' };
      case '&':
        return { kind: 'space', text: this.#depth > 0 ? ' ' : '' };
      case '%':
        return this.#comment();
      case '~':
        return { kind: 'space', text: ' ' };
      default:
        return character(sign);
    }
  }

  #comment(): Atom {
    const end = this.#tex.indexOf('\n', this.#at);
    this.#at = end < 0 ? this.#tex.length : end + 1;
    return NOTHING;
  }

  /** After its opening brace. */
  #group(): string {
    if (this.#depth >= DEEPEST) return '';
    this.#depth += 1;
    const text = this.#sequence();
    this.#depth -= 1;
    if (this.#tex.charAt(this.#at) === '}') this.#at += 1;
    return text;
  }

  /** What a command applies to: a group, or a single sign. */
  #argument(): string {
    while (/\s/.test(this.#tex.charAt(this.#at))) this.#at += 1;
    const next = this.#tex.charAt(this.#at);
    if (next === '' || next === '}') return '';
    if (this.#depth >= DEEPEST) {
      this.#at += 1;
      return '';
    }
    this.#depth += 1;
    const { text } = this.#atom();
    this.#depth -= 1;
    return text;
  }

  /** In square brackets; undefined where there is none. */
  #option(): string | undefined {
    if (this.#tex.charAt(this.#at) !== '[' || this.#depth >= DEEPEST) return undefined;
    this.#at += 1;
    this.#depth += 1;
    const text = this.#sequence(']');
    this.#depth -= 1;
    if (this.#tex.charAt(this.#at) === ']') this.#at += 1;
    return text;
  }

  /** In braces, as it was written. */
  #words(): string {
    if (this.#tex.charAt(this.#at) !== '{') return '';
    const from = this.#at + 1;
    let open = 0;
    for (; this.#at < this.#tex.length; this.#at += 1) {
      const sign = this.#tex.charAt(this.#at);
      if (sign === '\\') this.#at += 1;
      else if (sign === '{') open += 1;
      else if (sign === '}') open -= 1;
      if (open === 0) break;
    }
    const words = this.#tex.slice(from, this.#at);
    this.#at += 1;
    return words;
  }

  #name(): string {
    const from = this.#at;
    if (!LETTER.test(this.#tex.charAt(from))) this.#at += 1;
    else while (LETTER.test(this.#tex.charAt(this.#at))) this.#at += 1;
    if (this.#at > from + 1 && this.#tex.charAt(this.#at) === '*') this.#at += 1;
    return this.#tex.slice(from, this.#at);
  }

  #command(): Atom {
    const name = this.#name();
    const sign = SIGNS.get(name);
    if (sign !== undefined) return character(sign);
    const binary = BINARY.get(name);
    if (binary !== undefined) return { kind: 'binary', text: binary };
    const relation = RELATING.get(name);
    if (relation !== undefined) return this.#relation(name, relation);
    if (FUNCTIONS.has(name)) return { kind: 'name', text: name };
    const accent = ACCENT.get(name);
    if (accent !== undefined) return { kind: 'plain', text: accented(this.#argument(), accent) };
    const space = SPACING[name];
    if (space !== undefined) return { kind: 'space', text: space };
    return this.#structure(name);
  }

  #relation(name: string, sign: string): Atom {
    if (name.startsWith('x')) {
      this.#option();
      this.#argument();
    }
    return { kind: 'relation', text: sign };
  }

  #structure(name: string): Atom {
    switch (name) {
      case '\\':
      case 'newline':
      case 'cr':
        this.#option();
        return { kind: 'space', text: '\n' };
      case 'frac':
      case 'dfrac':
      case 'tfrac':
      case 'cfrac':
        return { kind: 'fraction', text: fraction(this.#argument(), this.#argument()) };
      case 'binom':
      case 'dbinom':
      case 'tbinom':
        return { kind: 'plain', text: `C(${this.#argument()}, ${this.#argument()})` };
      case 'sqrt':
        return { kind: 'plain', text: root(this.#option(), this.#argument()) };
      case 'begin':
        return { kind: 'plain', text: this.#environment() };
      case 'mathbb':
        return { kind: 'plain', text: blackboard(this.#argument()) };
      case 'ce':
      case 'pu':
        return { kind: 'plain', text: readableChemistry(this.#words()) };
      case 'pmod':
        return { kind: 'binary', text: `(mod ${this.#argument()})` };
      case 'overset':
      case 'underset':
      case 'stackrel':
        this.#argument();
        return { kind: 'plain', text: this.#argument() };
      default:
        return this.#other(name);
    }
  }

  #other(name: string): Atom {
    if (SIZE.test(name)) {
      if (this.#tex.charAt(this.#at) === '.') this.#at += 1; // no bracket on this side
      return NOTHING;
    }
    if (MANNER.test(name)) {
      this.#words();
      return NOTHING;
    }
    if (WORDS.test(name)) {
      const words = this.#words().replaceAll(/[\\{}$]/g, '');
      return {
        kind: name.startsWith('operatorname') ? 'name' : 'plain',
        text: name.startsWith('tag') ? `  (${words})` : words,
      };
    }
    if (!LETTER.test(name)) return character(name);
    return { kind: 'plain', text: this.#tex.charAt(this.#at) === '{' || isFont(name) ? '' : name };
  }

  #environment(): string {
    const name = this.#words().replace('*', '');
    if (name === 'array' || name === 'alignat') this.#words();
    if (this.#depth >= DEEPEST) return '';
    this.#depth += 1;
    const [before, after] = ENCLOSED[name] ?? [];
    const rows = this.#rows(after === undefined);
    this.#depth -= 1;
    if (this.#tex.startsWith('\\end', this.#at)) {
      this.#at += '\\end'.length;
      this.#words();
    }
    if (before === undefined) return `\n${rows.map((cells) => cells.join(' ')).join('\n')}\n`;
    return `${before}${rows.map((cells) => cells.join(', ')).join('; ')}${after ?? ''}`;
  }

  /** Of cells, which `isAligned` joins to one line. */
  #rows(isAligned: boolean): string[][] {
    const rows: string[][] = [[]];
    while (this.#at < this.#tex.length) {
      const cell = this.#cell(isAligned);
      if (cell.trim() !== '') rows.at(-1)?.push(cell.trim());
      if (this.#tex.charAt(this.#at) === '&') this.#at += 1;
      else if (this.#tex.startsWith('\\\\', this.#at)) {
        this.#at += 2;
        this.#option();
        rows.push([]);
      } else break;
    }
    return rows.filter((cells) => cells.length > 0);
  }

  #cell(isAligned: boolean): string {
    const atoms: Atom[] = [];
    while (this.#at < this.#tex.length) {
      const sign = this.#tex.charAt(this.#at);
      const isBreak = this.#tex.startsWith('\\\\', this.#at) || this.#tex.startsWith('\\end', this.#at);
      if (sign === '}' || isBreak || (sign === '&' && !isAligned)) break;
      const atom = sign === '&' ? NOTHING : this.#atom();
      if (sign === '&') this.#at += 1;
      if (atom.text !== '') atoms.push(atom);
    }
    return joined(atoms);
  }
}

const isFont = (name: string): boolean => /^(?:math|bold|text|operator)/.test(name);

function character(sign: string): Atom {
  if (/\s/.test(sign)) return NOTHING;
  if (sign === '-') return { kind: 'binary', text: '−' };
  if (sign === '+' || sign === '*') return { kind: 'binary', text: sign };
  if (/[=<>]/.test(sign)) return { kind: 'relation', text: sign };
  if (/[([{⟨⌊⌈]/.test(sign)) return { kind: 'open', text: sign };
  if (/[)\]}⟩⌋⌉!]/.test(sign)) return { kind: 'close', text: sign };
  if (LARGE.test(sign)) return { kind: 'name', text: sign };
  if (/[,;]/.test(sign)) return { kind: 'relation', text: sign };
  return { kind: 'plain', text: sign };
}

/** With spaces where a reader needs them. */
function joined(atoms: readonly Atom[]): string {
  let text = '';
  let before: Kind = 'open';
  for (const { kind, text: next } of atoms) {
    const isSign: boolean = kind === 'binary' && !['plain', 'close', 'fraction'].includes(before);
    const isApart =
      (kind === 'binary' && !isSign) ||
      (kind === 'relation' && !/^[,;]$/.test(next)) ||
      before === 'relation' ||
      before === 'binary' ||
      (kind === 'name' && before !== 'open') ||
      (before === 'name' && ['plain', 'fraction', 'name'].includes(kind)) ||
      (kind === 'fraction' && ['plain', 'close'].includes(before)) ||
      (before === 'fraction' && ['plain', 'fraction', 'open'].includes(kind));
    if (isApart && text !== '' && !/\s$/.test(text)) text += ' ';
    text += next;
    if (kind !== 'script') before = isSign || kind === 'space' ? 'open' : kind;
    else if (before !== 'name') before = 'close';
  }
  return text;
}

function fraction(over: string, under: string): string {
  return under === '' ? over : `${enclosed(over)}/${enclosed(under)}`; // half of it has come
}

function enclosed(text: string): string {
  return text === '' || SIMPLE.test(text) ? text : `(${text})`;
}

function script(text: string, mark: string, small: (text: string) => string | undefined): string {
  if (text === '' || text === '′' || text === '°') return text;
  if (text === '∘' && mark === '^') return '°';
  return small(text) ?? mark + ([...text].length === 1 ? text : `(${text})`);
}

function root(degree: string | undefined, text: string): string {
  const sign = new Map([
    ['3', '∛'],
    ['4', '∜'],
  ]).get(degree ?? '');
  const index = degree === undefined || sign ? '' : (raised(degree) ?? `(${degree})`);
  return `${index}${sign ?? '√'}${text === '' || [...text].length === 1 || /^\d+$/.test(text) ? text : `(${text})`}`;
}

function accented(text: string, accent: string): string {
  const letters = [...text];
  if (accent === '̅' || accent === '̲')
    return letters.length > 4 ? text : letters.map((letter) => letter + accent).join('');
  return letters.length === 1 ? text + accent : text;
}
