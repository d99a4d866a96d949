/** How many native elements React renders: what a screen costs, whatever the machine. To be imported before what renders. */
import React from 'react';

let renders = 0;
const { createElement } = React;
React.createElement = ((...of: Parameters<typeof createElement>) => {
  renders += typeof of[0] === 'string' ? 1 : 0;
  return createElement(...of);
}) as typeof createElement;

/** Anew or again, since it was asked last. */
export function countRenders(): number {
  const counted = renders;
  renders = 0;
  return counted;
}
