#!/usr/bin/env bash
# remend 1.4.0 (what Streamdown repairs unfinished Markdown with; Node 20 or later): it takes every `**` and every `[` for the
# beginning of something, also where CommonMark does not. `2 ** 10` is whole and has no emphasis (a `**` between spaces can
# open none), and comes out with two stars more, which are shown; `[0, 1` and the half-open interval `[0, 1)` come out as
# a link. Nothing more arrives that would mend it: the text of a finished answer is changed as well. A single `*` between
# spaces is left alone.
#
# Expected: text that CommonMark shows as it stands stays as it stands.
# Seen:
#   "2 * 3"                  -> "2 * 3"
#   "2 ** 10"                -> "2 ** 10**"
#   "x is in [0, 1"          -> "x is in [0, 1](streamdown:incomplete-link)"
#   "x is in [0, 1) always." -> "x is in [0, 1) always.](streamdown:incomplete-link)"
#
# Needs: bash, node, npm. Speaks to the npm registry only. Exits 0 while remend behaves so, 1 once it does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent remend@1.4.0
cat >seen.mjs <<'JS'
import remend from 'remend';

const LINK = '](streamdown:incomplete-link)';
const seen = [
  ['2 * 3', '2 * 3'],
  ['2 ** 10', '2 ** 10**'],
  ['x is in [0, 1', `x is in [0, 1${LINK}`],
  ['x is in [0, 1) always.', `x is in [0, 1) always.${LINK}`],
];
for (const [text, mended] of seen) {
  console.log(`${JSON.stringify(text).padEnd(24)} -> ${JSON.stringify(remend(text))}`);
  if (remend(text) !== mended) process.exitCode = 1;
}
JS
node seen.mjs
