#!/usr/bin/env bash
# react-native-web 0.21.4 (React 19.3.1, Node 20 or later): an element with `dir` hands those in it its direction by a context,
# as a new object each time it is rendered. Whenever it is, every View and Text in it is rendered again, also below
# React.memo and where no property has changed: a list of 1,000 rows in a page that says `dir="ltr"` once at its root costs 1,000
# rows with each letter that its root shows. Without `dir`, or where only the children below are rendered, none is.
#
# Expected: what has the same properties and the same direction is not rendered again.
# Seen:
#   root without dir, rendered again: 0 of 1000 rows rendered again
#   root with dir, rendered again:    1000 of 1000 rows rendered again
#
# Needs: bash, node, npm. Speaks to the npm registry only. Exits 0 while the library behaves so, 1 once it does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent react@19.3.1 react-dom@19.3.1 react-native-web@0.21.4 jsdom@26.1.0
cat >seen.cjs <<'JS'
const { JSDOM } = require('jsdom');
const { window } = new JSDOM('<div id="root"></div>');
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
globalThis.ShadowRoot = window.ShadowRoot;
globalThis.navigator ??= window.navigator;
const React = require('react');
const { createRoot } = require('react-dom/client');
const { View } = require('react-native-web');

const ROWS = 1000;
let rendered = 0;
const { createElement } = React;
React.createElement = (type, properties, ...children) => {
  if (type === 'div' && properties?.['data-testid'] === 'row') rendered += 1;
  return createElement(type, properties, ...children);
};
const Rows = React.memo(() =>
  Array.from({ length: ROWS }, (_, at) => createElement(View, { key: at, testID: 'row' })),
);

async function renderedAgain(dir) {
  const root = createRoot(document.createElement('div'));
  const draw = (title) =>
    React.act(() => root.render(createElement(View, { dir, id: title }, createElement(Rows))));
  await draw('one');
  rendered = 0;
  await draw('two');
  return rendered;
}

(async () => {
  const [without, having] = [await renderedAgain(undefined), await renderedAgain('ltr')];
  console.log(`root without dir, rendered again: ${without} of ${ROWS} rows rendered again`);
  console.log(`root with dir, rendered again:    ${having} of ${ROWS} rows rendered again`);
  process.exitCode = without === 0 && having === ROWS ? 0 : 1;
})();
JS
node seen.cjs 2>/dev/null
