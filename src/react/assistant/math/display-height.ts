/** Of a row, px; what is added where it has a fraction, a sum or the like; and of what surrounds all. */
const ROW = 28;
const TALL = 26;
const AROUND = 8;
/** Of a matrix and the like, whose rows stand closer. */
const MATRIX_ROW = 23;
const MATRIX = /\\begin\{(?:[a-zA-Z]*matrix|array|cases|rcases)/;
const TALL_SIGN = /\\(?:[dtc]?frac|[dt]?binom|sum|prod|int|oint|lim|bigcup|bigcap|under|over|xrightarrow)/;

/** About how high it is when it is typeset, px: so much room it has from the beginning. */
export function displayHeight(tex: string): number {
  if (MATRIX.test(tex)) return AROUND + Math.max(ROW + TALL, MATRIX_ROW * tex.split('\\\\').length);
  const rows = tex.split(/\\\\|\\cr\b/);
  return AROUND + rows.reduce((height, row) => height + ROW + (TALL_SIGN.test(row) ? TALL : 0), 0);
}
