/** What stands in mhchem's `\ce{…}`, as Unicode: `2H2 + O2 -> 2H2O` becomes 2H₂ + O₂ → 2H₂O. */
import { lowered, raised } from './scripts.ts';

const ARROWS: readonly (readonly [RegExp, string])[] = [
  [/<=+>+|<<?=+>>?/g, '⇌'],
  [/<-+>/g, '↔'],
  [/-+>/g, '→'],
  [/<-+/g, '←'],
];

export function readableChemistry(source: string): string {
  const arrows = ARROWS.reduce((text, [arrow, sign]) => text.replaceAll(arrow, ` ${sign} `), source);
  return arrows
    .replaceAll(/([→⇌←])\s*\[([^\]]*)\](?:\[[^\]]*\])?/g, '$1 ($2) ')
    .split(/\s+/)
    .map(species)
    .join(' ')
    .trim();
}

/** One of them, such as `SO4^2-`. */
function species(text: string): string {
  if (text === '^') return '↑';
  if (text === 'v') return '↓';
  if (text === '*' || text === '.') return '·';
  return text
    .replaceAll(/\^\{([^}]*)\}|\^(\d*[+-]?)/g, (_, braced: string | undefined, bare: string) =>
      up(braced ?? bare),
    )
    .replaceAll(/_\{([^}]*)\}|_(\w)/g, (_, braced: string | undefined, bare: string) => down(braced ?? bare))
    .replaceAll(/([A-Za-z)\]])(\d+)/g, (_, before: string, count: string) => before + down(count))
    .replace(/(?<=[\p{L}\])₀-₉])([+-])$/u, (sign) => up(sign))
    .replaceAll(/(?<=\p{L})-(?=\p{L})/gu, '–')
    .replaceAll(/\$|\\[A-Za-z]+|[{}]/g, '');
}

const up = (text: string): string => raised(text) ?? `^${text}`;
const down = (text: string): string => lowered(text) ?? `_${text}`;
