/** How it looks: colours (text on its background at least 4.5:1), distances, corners and type. */

export interface Palette {
  readonly scheme: 'light' | 'dark';
  readonly background: string;
  /** Cards, dialogs, the composer. */
  readonly surface: string;
  readonly sidebar: string;
  /** Of a control under the pointer, and of the conversation that is shown. */
  readonly raised: string;
  readonly border: string;
  /** Around what can be typed into or pressed: 3:1. */
  readonly outline: string;
  readonly text: string;
  readonly muted: string;
  readonly accent: string;
  readonly accentPressed: string;
  readonly onAccent: string;
  /** Under what the user has said. */
  readonly accentSoft: string;
  readonly link: string;
  /** Under code. */
  readonly code: string;
  readonly codeKeyword: string;
  readonly codeString: string;
  readonly codeNumber: string;
  /** Of functions, types, attributes. */
  readonly codeName: string;
  readonly codeComment: string;
  readonly danger: string;
  readonly dangerSoft: string;
  readonly warning: string;
  readonly warningSoft: string;
  readonly scrim: string;
}

/** Of parts of code. */
export type CodeColour = 'codeKeyword' | 'codeString' | 'codeNumber' | 'codeName' | 'codeComment';

export const LIGHT: Palette = {
  scheme: 'light',
  background: '#faf9f6',
  surface: '#ffffff',
  sidebar: '#f1efe9',
  raised: '#e6e3da',
  border: '#e0ddd3',
  outline: '#8b8f89',
  text: '#1b2422',
  muted: '#57615d',
  accent: '#0b6b5d',
  accentPressed: '#085247',
  onAccent: '#ffffff',
  accentSoft: '#dfeeea',
  link: '#0a5c92',
  code: '#f1efe9',
  codeKeyword: '#8a2a6f',
  codeString: '#1c6434',
  codeNumber: '#8f3f0a',
  codeName: '#1a5285',
  codeComment: '#5b635f',
  danger: '#9f2a1d',
  dangerSoft: '#fbebe8',
  warning: '#7a4f00',
  warningSoft: '#fbf1da',
  scrim: 'rgba(20, 28, 26, 0.45)',
};

export const DARK: Palette = {
  scheme: 'dark',
  background: '#151a19',
  surface: '#1d2423',
  sidebar: '#101413',
  raised: '#28312f',
  border: '#2d3735',
  outline: '#74807c',
  text: '#e8edeb',
  muted: '#a5b0ac',
  accent: '#5fcfba',
  accentPressed: '#86dfce',
  onAccent: '#06231e',
  accentSoft: '#1d3b36',
  link: '#83c8f5',
  code: '#0f1413',
  codeKeyword: '#f0a1d2',
  codeString: '#94d9a2',
  codeNumber: '#f5b98a',
  codeName: '#8cc8f7',
  codeComment: '#98a39f',
  danger: '#ffa195',
  dangerSoft: '#3b201d',
  warning: '#f3c873',
  warningSoft: '#362b16',
  scrim: 'rgba(0, 0, 0, 0.6)',
};

/** Steps of 4. */
export const SPACE = { xs: 4, s: 8, m: 12, l: 16, xl: 24, xxl: 40 } as const;

export const RADIUS = { s: 6, m: 12, l: 20, full: 999 } as const;

export const TYPE = {
  small: { fontSize: 13, lineHeight: 18 },
  label: { fontSize: 14, lineHeight: 20 },
  body: { fontSize: 16, lineHeight: 26 },
  code: { fontSize: 14, lineHeight: 21 },
  heading3: { fontSize: 17, lineHeight: 26, fontWeight: '600' },
  heading2: { fontSize: 20, lineHeight: 28, fontWeight: '600' },
  heading1: { fontSize: 24, lineHeight: 32, fontWeight: '600' },
  display: { fontSize: 30, lineHeight: 38, fontWeight: '600' },
} as const;

/** The widest line that is easy to read. */
export const MEASURE = 720;

/** What a finger hits. */
export const TOUCH = 44;

/** From here on the conversations stand beside the answers. */
export const WIDE = 800;

export const SIDEBAR_WIDTH = 272;
