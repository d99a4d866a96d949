#!/usr/bin/env bash
# KaTeX 0.19.1 (Node 20 or later): `katex.render` builds a formula of elements and sets their styles as properties
# (`element.style`), which every Content-Security-Policy allows, a policy without 'unsafe-inline' too. The width of some of its
# pictures it sets as an attribute (`setAttribute('style', …)`), which such a policy refuses and reports: the arrow of `\vec`, and the
# inner parts of tall braces. They then have the width that the style sheet gives to all pictures, 100 % of something else.
# In a formula without them nothing is refused.
#
# Expected: of one formula all styles are set in one way.
# Seen, style attributes that are set while a document is built:
#   \frac{a}{b}: none
#   \vec{a}: width:0.471em
#   a brace beside 12 rows: width:0.8889em width:0.8889em
#
# Needs: bash, node, npm. Speaks to the npm registry only. Exits 0 while KaTeX behaves so, 1 once it does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent katex@0.19.1 jsdom@26.1.0
cat >seen.cjs <<'JS'
const { JSDOM } = require('jsdom');
const { window } = new JSDOM('<!DOCTYPE html><p id="formula"></p>');
globalThis.document = window.document;
const katex = require('katex');

const attributes = [];
const { setAttribute } = window.Element.prototype;
window.Element.prototype.setAttribute = function (name, value) {
  if (name === 'style') attributes.push(value);
  setAttribute.call(this, name, value);
};

const ROWS = Array(12).fill('a').join(String.raw`\\`);
const seen = [
  [String.raw`\frac{a}{b}`, String.raw`\frac{a}{b}`, 'none'],
  [String.raw`\vec{a}`, String.raw`\vec{a}`, 'width:0.471em'],
  ['a brace beside 12 rows', String.raw`\left\{\begin{matrix}${ROWS}\end{matrix}\right.`, 'width:0.8889em width:0.8889em'],
];
for (const [name, formula, expected] of seen) {
  attributes.length = 0;
  katex.render(formula, window.document.querySelector('#formula'), { output: 'html', throwOnError: true });
  const found = attributes.join(' ') || 'none';
  console.log(`${name}: ${found}`);
  if (found !== expected) process.exitCode = 1;
}
JS
node seen.cjs
